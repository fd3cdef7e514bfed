import { createActivities } from '../../activities/index.js';
import { createRestoreWatch } from '../../activities/reconciler/restored.js';
import { createReceiptSigner } from '../billing/receipt-signer.js';
import { recordCaHash } from '../db/installation.js';
import { connectKubernetes } from '../kubernetes/client.js';
import { clusterInfo } from '../kubernetes/cluster-info.js';
import { ensureClusterObjects } from '../kubernetes/cluster-objects.js';
import { untilAvailable } from '../lifecycle.js';
import { closeRedis, createRedis } from '../redis/connection.js';
import { ensureSchedules } from '../temporal/schedules.js';
import { installRuntime } from '../temporal/worker.js';
import type { StartRole } from './role.js';
import { useAsker } from './use-asker.js';
import { startChain } from './worker/chain.js';
import { answerRegistrations } from './worker/registrations.js';
import { serveWorkflows } from './worker/serve-workflows.js';
import { watchJobs } from './worker/watch-jobs.js';

/** Runs workflows and activities, after creating the cluster objects and schedules that they rely on. */
export const start: StartRole = async ({ config, logger, stop, pool, temporal }) => {
  const waiting = { logger, stop };
  installRuntime(logger);
  const stopChain = await startChain(config, pool, waiting);
  const kubernetes = connectKubernetes(config);
  const redis = createRedis(config, { blocking: false, name: 'worker', logger });
  await untilAvailable(waiting, 'Kubernetes', () => ensureClusterObjects(kubernetes, logger));
  await untilAvailable(waiting, 'Temporal', () => ensureSchedules(temporal, config));
  const info = clusterInfo(kubernetes, config);
  await untilAvailable(waiting, 'Postgres', () => recordCaHash(pool, info.caHash));
  const signer = createReceiptSigner({ config, pool, logger });
  if (signer === undefined) logger.warn('RECEIPT_PRIVATE_KEY is not set: receipts stay pending');
  else await untilAvailable(waiting, 'Postgres', () => signer.publish());
  // Before any job goes on: what is overdue since a backup ends as soon as there is a worker.
  const restores = createRestoreWatch({ pool, kubernetes, logger });
  await untilAvailable(waiting, 'the database or the cluster', () => restores.look());
  const activities = createActivities({ config, pool, redis, kubernetes, clusterInfo: info, temporal, logger });
  const workflows = await serveWorkflows({ config, activities, client: temporal, logger, stop }).catch(
    async (error: unknown) => {
      await stopChain();
      throw error;
    },
  );
  const desk = answerRegistrations({ config, pool, redis, kubernetes, clusterInfo: info, logger });
  const askUse = useAsker(config, pool);
  const watch = askUse === undefined ? undefined : watchJobs({ pool, logger, askUse });
  return {
    checks: { redis: () => redis.ping(), kubernetes: () => kubernetes.version.getCode() },
    ready: () => ({ ...workflows.ready(), ...desk.ready() }),
    async stop() {
      await Promise.all([workflows.stop(), stopChain(), watch?.stop(), desk.stop()]);
      closeRedis(redis);
    },
  };
};
