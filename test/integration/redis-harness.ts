import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { createRedis, type RedisConfig } from '../../src/redis/connection.js';

/** The Redis of the test stack: `redis` of the file that BROKER_TEST_ENDPOINTS names, or REDIS_HOST and REDIS_PORT. */
export function redisConfig(): RedisConfig {
  const file = process.env['BROKER_TEST_ENDPOINTS'];
  const url =
    file === undefined
      ? new URL(`redis://${process.env['REDIS_HOST'] ?? '127.0.0.1'}:${process.env['REDIS_PORT'] ?? '6379'}`)
      : new URL((JSON.parse(readFileSync(file, 'utf8')) as { redis: string }).redis);
  return {
    REDIS_HOST: url.hostname,
    REDIS_PORT: Number(url.port),
    REDIS_USERNAME: decodeURIComponent(url.username) || undefined,
    REDIS_PASSWORD: decodeURIComponent(url.password) || undefined,
    REDIS_TLS: url.protocol === 'rediss:',
  };
}

/** Connections to one logical database, emptied at the start: the names of the streams are fixed, so files use one each. */
export async function testDatabase(db: number) {
  const opened: Redis[] = [];
  const connect = (blocking = false) => {
    const redis = createRedis(redisConfig(), { blocking, overrides: { db } });
    opened.push(redis);
    return redis;
  };
  const redis = connect();
  await redis.flushdb();
  return {
    redis,
    connect,
    async close() {
      await redis.flushdb();
      for (const each of opened) each.disconnect();
    },
  };
}

/** Waits until `what` holds; the error names what did not. */
export async function until(what: () => boolean | Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !(await what()); await sleep(10)) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what.toString()}`);
  }
}
