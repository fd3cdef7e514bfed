import { startApi, type Api, type ApiOptions } from './api.js';
import { freshDatabase, type TestDatabase } from './database.js';
import { freshRedis, type TestRedis } from './redis.js';

/** Two replicas of the API over one database and one Redis: each must know at once what the other does. */
export interface Replicas {
  database: TestDatabase;
  redis: TestRedis;
  api: Api;
  other: Api;
  /** Starts another one, with its own environment. */
  start(options?: Omit<ApiOptions, 'database' | 'redis'>): Promise<Api>;
  stop(): Promise<void>;
}

export async function startReplicas(options: Omit<ApiOptions, 'database' | 'redis'> = {}): Promise<Replicas> {
  const [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
  const start: Replicas['start'] = (own = {}) => startApi({ database, redis, ...own });
  const [api, other] = await Promise.all([start(options), start(options)]);
  return {
    database,
    redis,
    api,
    other,
    start,
    async stop() {
      await Promise.all([api.stop(), other.stop()]);
      await Promise.all([database.close(), redis.close()]);
    },
  };
}
