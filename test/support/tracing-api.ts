import { startApi, type Api } from './api.js';
import type { World } from './world.js';

/** An API that starts its jobs in a world, and logs all that it can: for tests that search its log for secrets. */
export function startTracingApi({ database, redis, commands }: World): Promise<Api> {
  return startApi({ database, redis, env: { LOG_LEVEL: 'trace' }, commands: { jobs: commands } });
}
