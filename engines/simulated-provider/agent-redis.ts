import { Redis } from 'ioredis';
import { reconnectOnError } from '../../src/redis/connection.js';

/** As an agent connects, who may not ask Redis how it is, and goes on trying. Errors of the connection are not thrown. */
export function connectAsAgent(redisUrl: string, onError: (error: Error) => void = () => undefined): Redis {
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null, enableReadyCheck: false, reconnectOnError });
  redis.on('error', onError);
  return redis;
}
