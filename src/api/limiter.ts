import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import type { Redis } from 'ioredis';
import { networkOf } from '../auth/limits.js';
import type { Config } from '../config.js';
import { BrokerError } from '../domain/errors.js';
import { countScript } from '../redis/count-script.js';
import { limitPrefix } from '../redis/keys.js';
import type { RouteLimit } from './route.js';

/** Counts requests; each call throws `rate_limited` when the caller has used up its minute. */
export interface Limiter {
  /** Everything an address sends, whatever it asks. */
  address(ip: string): Promise<void>;
  /** What a wallet does; for `auth` and for routes without authentication the address stands for it. */
  caller(limit: RouteLimit, caller: string): Promise<void>;
}

/**
 * Wallets are counted in Redis, over all replicas; while Redis is away each process counts for itself. Addresses are
 * counted in the process only: that limit guards its processor, and a trip to Redis would cost more than most reads.
 */
export function createLimiter({ config, redis }: { config: Config; redis?: Redis }): Limiter {
  const addresses = new RateLimiterMemory({ keyPrefix: 'ip', points: config.RATE_LIMIT_PER_IP, duration: 60 });
  const shared = (name: string, points: number): RateLimiterAbstract => {
    const options = { keyPrefix: limitPrefix(name), points, duration: 60 };
    const insuranceLimiter = new RateLimiterMemory(options);
    if (redis === undefined) return insuranceLimiter;
    return new RateLimiterRedis({
      ...options,
      storeClient: redis,
      customIncrTtlLuaScript: countScript,
      insuranceLimiter,
      // A caller that is over its limit is told so without asking Redis again.
      inMemoryBlockOnConsumed: points + 1,
      // A client that queues while it reconnects would make requests wait instead of going on with the insurance.
      rejectIfRedisNotReady: true,
    });
  };
  const callers: Record<RouteLimit, RateLimiterAbstract> = {
    read: shared('read', config.RATE_LIMIT_READS),
    write: shared('write', config.RATE_LIMIT_WRITES),
    jobs: shared('jobs', config.RATE_LIMIT_JOBS),
    provider: shared('provider', config.RATE_LIMIT_PROVIDERS),
    auth: shared('auth', config.RATE_LIMIT_AUTH),
  };
  return {
    address: (ip) => consume(addresses, networkOf(ip)),
    caller: (limit, caller) => consume(callers[limit], caller),
  };
}

async function consume(limiter: RateLimiterAbstract, key: string): Promise<void> {
  try {
    await limiter.consume(key);
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    const seconds = Math.max(1, Math.ceil(error.msBeforeNext / 1000));
    throw new BrokerError('rate_limited', `try again in ${seconds} s`, { retry_after_s: seconds });
  }
}
