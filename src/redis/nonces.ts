import { Redis } from 'ioredis';
import type { Logger } from '../observability/logger.js';
import { serverOf, type RedisConfig } from './connection.js';
import { reportTo } from './foreign.js';
import { requestNonceKey } from './keys.js';
import { orUnavailable } from './unavailable.js';

/** Single-use values, shared by all replicas: nonces of requests and challenges of logins, tracked separately. */
export interface NonceStore {
  /** @returns false when the nonce was used with this key, or as a challenge, within `ttlS`. */
  useNonce(sessionKey: string, nonce: string, ttlS: number): Promise<boolean>;
}

/** How long a request waits for Redis. After that it is rejected, because a replay could not be detected. */
const commandTimeoutMs = 500;

/**
 * A connection that fails at once instead of waiting for Redis to return. It queues nothing while Redis is away and
 * never resends a command: a `SET NX` that took effect before the connection broke would look like its own replay.
 *
 * @param overrides for tests, which use their own logical database.
 */
export function connectFailFast(config: RedisConfig, overrides: { db?: number } = {}, logger?: Logger): Redis {
  const redis = new Redis({
    ...serverOf(config),
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    commandTimeout: commandTimeoutMs,
    connectTimeout: 2_000,
    keepAlive: 30_000,
    retryStrategy: (attempt) => Math.min(attempt * 50, 1_000),
    ...overrides,
  });
  if (logger !== undefined) reportTo(redis, logger);
  // Without a listener, an outage would crash the process. The affected requests report it.
  redis.on('error', () => undefined);
  return redis;
}

/** Resolves once the connection is ready, or after `waitMs`, so that the broker starts even without Redis. */
export async function awaitReady(redis: Redis, waitMs = 2_000): Promise<void> {
  if (redis.status === 'ready') return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      redis.off('ready', done);
      resolve();
    };
    const timer = setTimeout(done, waitMs);
    redis.on('ready', done);
  });
}

/** @throws BrokerError `auth_backend_unavailable` from every call while Redis does not answer. */
export function createNonceStore(redis: Redis): NonceStore {
  return {
    // Any value at the key may mean that the nonce was used: an attacker who wants to reuse it would overwrite the key.
    useNonce: (sessionKey, nonce, ttlS) =>
      orUnavailable('auth_backend_unavailable', 'the store of used nonces is not answering', async () => {
        return (await redis.set(requestNonceKey(sessionKey, nonce), '1', 'EX', ttlS, 'NX')) === 'OK';
      }),
  };
}
