import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { createRedis, type RedisConfig } from '../../src/redis/connection.js';
import { testConfig } from './config.js';
import { endpoint } from './engines.js';
import { until } from './until.js';

export { until } from './until.js';

/** How long a claim on a logical database lasts without being renewed. */
const claimTtlS = 30;

/** The logical database of one test file. */
export interface TestRedis {
  /** The server's address and the broker's login, without the number of the database. */
  config: RedisConfig;
  /** The number of the database, for `createRedis(config, { overrides: { db } })`. */
  db: number;
  /** An operator's connection, which may do everything. */
  redis: Redis;
  /** Another one, closed with the rest. */
  connect(blocking?: boolean): Redis;
  /** A connection of the broker's user. */
  asBroker(): Redis;
  /** Empties the database, closes the connections and releases the database. */
  close(): Promise<void>;
}

/**
 * An empty logical database for one test file: stream names are fixed, so two files on one database would read each
 * other's. Database 0 belongs to no test; it holds the claims on the others.
 */
export async function freshRedis(): Promise<TestRedis> {
  const config = testConfig();
  const opened: Redis[] = [];
  const operator = new URL(endpoint('operator_redis'));
  const login = { REDIS_USERNAME: operator.username, REDIS_PASSWORD: operator.password };
  const open = (db: number, { blocking = false, as = {} }: { blocking?: boolean; as?: Partial<RedisConfig> } = {}) => {
    const redis = createRedis({ ...config, ...as }, { blocking, name: 'test', overrides: { db } });
    opened.push(redis);
    return redis;
  };
  const claims = open(0, { as: login });
  const { db, release } = await claim(claims);
  const redis = open(db, { as: login });
  await redis.flushdb();
  return {
    config,
    db,
    redis,
    connect: (blocking = false) => open(db, { blocking, as: login }),
    asBroker: () => open(db),
    async close() {
      await redis.flushdb();
      await release();
      for (const each of opened) each.disconnect();
    },
  };
}

/** Claims the first free database; waits for one if all are taken. */
async function claim(claims: Redis): Promise<{ db: number; release: () => Promise<void> }> {
  const databases = Number((await claims.config('GET', 'databases'))[1]);
  const owner = randomUUID();
  const key = (db: number) => `test:database:${db}`;
  const db = await until(
    async () => {
      for (let db = 1; db < databases; db++) {
        if ((await claims.set(key(db), owner, 'EX', claimTtlS, 'NX')) === 'OK') return db;
      }
      return undefined;
    },
    { timeoutMs: 60_000, everyMs: 200, name: 'a free logical database of Redis' },
  );
  const renewing = setInterval(() => void claims.expire(key(db), claimTtlS).catch(() => undefined), 5_000).unref();
  return {
    db,
    async release() {
      clearInterval(renewing);
      // Only our own claim: after a long pause it may have expired and belong to another file.
      if ((await claims.get(key(db))) === owner) await claims.del(key(db));
    },
  };
}
