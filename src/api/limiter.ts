import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import type { Redis } from 'ioredis';
import { networkOf } from '../auth/networks.js';
import type { Config } from '../config.js';
import type { BrokerError } from '../domain/errors.js';
import { limitReached, type LimitName } from '../domain/limits.js';
import { countScript } from '../redis/count-script.js';
import { limitPrefix } from '../redis/keys.js';

/** A limit of the API that is counted in Redis, over all replicas. */
export type SharedLimit = 'reads' | 'writes' | 'orders' | 'provider_strangers' | 'provider_messages';

/** Counts requests. */
export interface Limiter {
  /**
   * Counts a request from an address, whatever the request is.
   *
   * @returns the refusal, unless the request proves who sends it; undefined within the limit.
   */
  address(ip: string): Promise<BrokerError | undefined>;
  /** Takes back the count of a request that turned out to be counted by its sender's identity. */
  spare(ip: string): Promise<void>;
  /**
   * Counts a request under a proven name or an address.
   * @throws BrokerError `rate_limited`
   */
  caller(limit: SharedLimit, caller: string): Promise<void>;
}

/**
 * Counts callers in Redis, over all replicas; while Redis is down, each process counts for itself. Addresses are
 * counted only in the process: that limit protects its processor, and a call to Redis would cost more than most reads.
 */
export function createLimiter({ config, redis }: { config: Config; redis?: Redis }): Limiter {
  const addresses = new RateLimiterMemory({ keyPrefix: 'ip', points: config.RATE_LIMIT_PER_IP, duration: 60 });
  const shared = (name: SharedLimit, points: number): RateLimiterAbstract => {
    const options = { keyPrefix: limitPrefix(name), points, duration: 60 };
    const insuranceLimiter = new RateLimiterMemory(options);
    if (redis === undefined) return insuranceLimiter;
    return new RateLimiterRedis({
      ...options,
      storeClient: redis,
      customIncrTtlLuaScript: countScript,
      insuranceLimiter,
      // A caller over its limit is refused without another call to Redis.
      inMemoryBlockOnConsumed: points + 1,
      // A client that queues while it reconnects would make requests wait instead of falling back to the process's own
      // counts.
      rejectIfRedisNotReady: true,
    });
  };
  const callers: Record<SharedLimit, RateLimiterAbstract> = {
    reads: shared('reads', config.RATE_LIMIT_READS),
    writes: shared('writes', config.RATE_LIMIT_WRITES),
    orders: shared('orders', config.RATE_LIMIT_JOBS),
    provider_strangers: shared('provider_strangers', config.RATE_LIMIT_PROVIDERS),
    provider_messages: shared('provider_messages', config.RATE_LIMIT_PER_PROVIDER),
  };
  return {
    address: (ip) => refusalOf(addresses, 'requests', networkOf(ip)),
    async spare(ip) {
      await addresses.reward(networkOf(ip), 1);
    },
    async caller(limit, caller) {
      const refusal = await refusalOf(callers[limit], limit, caller);
      if (refusal !== undefined) throw refusal;
    },
  };
}

/** Takes one of a caller's points; resolves to the refusal if none is left. */
export async function refusalOf(
  counter: RateLimiterAbstract,
  name: LimitName,
  key: string,
): Promise<BrokerError | undefined> {
  try {
    await counter.consume(key);
    return undefined;
  } catch (error) {
    if (!(error instanceof RateLimiterRes)) throw error;
    return limitReached(name, { allowed: counter.points, retryAfterS: error.msBeforeNext / 1000 });
  }
}
