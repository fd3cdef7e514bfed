import { Redis } from 'ioredis';
import { reconnectOnError } from '../../src/redis/connection.js';

/** Connects like an agent, which may not call INFO and retries for ever. Connection errors are not thrown. */
export function connectAsAgent(redisUrl: string, onError: (error: Error) => void = () => undefined): Redis {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null, enableReadyCheck: false, reconnectOnError });
  redis.on('error', onError);
  return redis;
}
