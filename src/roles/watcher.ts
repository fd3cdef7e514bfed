import { connectKubernetes } from '../kubernetes/client.js';
import { startWatcher } from './watcher/watcher.js';
import type { StartRole } from './role.js';

/** Tells workflows what changes in the cluster. */
export const start: StartRole = async ({ config, logger, pool, temporal }) => {
  const kubernetes = connectKubernetes(config);
  const watcher = startWatcher({ kubernetes, temporal, pool, logger });
  return { checks: { kubernetes: () => kubernetes.version.getCode() }, ...watcher };
};
