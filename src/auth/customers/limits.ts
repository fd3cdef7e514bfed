import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import type { Redis } from 'ioredis';
import type { Config } from '../../config.js';
import { BrokerError } from '../../domain/errors.js';
import { limitReached, limits, type LimitName } from '../../domain/limits.js';
import { countScript } from '../../redis/count-script.js';
import { limitPrefix } from '../../redis/keys.js';
import { networkOf } from '../networks.js';
import type { ErrorCode } from '../../wire/error-codes.js';

type LimitConfig = Pick<Config, 'RATE_LIMIT_LOGINS' | 'RATE_LIMIT_AUTH_FAILURES'>;

export interface AuthLimiter {
  /**
   * Counts a proven request of a wallet: a login or a revocation. A wallet never seen before is counted by its address,
   * because wallets cost nothing. @throws BrokerError `rate_limited`
   */
  wallet(wallet: string, ip: string, isKnown: boolean): Promise<void>;
  /**
   * Runs a credential check, and counts failures that look like guessing by address. A valid credential always passes,
   * whatever others at its address have sent; after too many failures, further invalid ones only get the limit's error.
   */
  guard<T>(ip: string, check: () => Promise<T>): Promise<T>;
}

/**
 * Failures typical of forgery or guessing. A wrong clock or an ended session happens to honest clients that repeat
 * themselves.
 */
const suspicious: ReadonlySet<ErrorCode> = new Set([
  'session_unknown',
  'signature_invalid',
  'nonce_reused',
  'challenge_invalid',
]);

/** Counts in Redis across all replicas, or in this process while Redis is away. */
export function createAuthLimiter(redis: Redis, config: LimitConfig): AuthLimiter {
  const counter = (name: 'logins' | 'new_wallets' | 'failures', points: number): RateLimiterAbstract => {
    const duration = limits[name].windowS;
    const options = { keyPrefix: limitPrefix(name), points, duration };
    return new RateLimiterRedis({
      ...options,
      storeClient: redis,
      customIncrTtlLuaScript: countScript,
      insuranceLimiter: new RateLimiterMemory(options),
      rejectIfRedisNotReady: true,
      // A client over a limit is told so without asking Redis again.
      inMemoryBlockOnConsumed: points + 1,
    });
  };
  const counters = {
    logins: counter('logins', config.RATE_LIMIT_LOGINS),
    new_wallets: counter('new_wallets', config.RATE_LIMIT_LOGINS),
    failures: counter('failures', config.RATE_LIMIT_AUTH_FAILURES),
  };

  return {
    async wallet(wallet, ip, isKnown) {
      if (!isKnown) await count('new_wallets', networkOf(ip));
      await count('logins', wallet);
    },
    async guard(ip, check) {
      try {
        return await check();
      } catch (error) {
        if (error instanceof BrokerError && suspicious.has(error.code)) await count('failures', networkOf(ip));
        throw error;
      }
    },
  };

  async function count(name: keyof typeof counters & LimitName, key: string): Promise<void> {
    try {
      await counters[name].consume(key);
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error;
      throw limitReached(name, { allowed: counters[name].points, retryAfterS: error.msBeforeNext / 1000 });
    }
  }
}
