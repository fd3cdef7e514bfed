import { isIPv6 } from 'node:net';
import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes, type RateLimiterAbstract } from 'rate-limiter-flexible';
import type { Redis } from 'ioredis';
import type { Config } from '../config.js';
import { BrokerError, type ErrorCode } from '../domain/errors.js';
import { countScript } from '../redis/count-script.js';
import { limitPrefix } from '../redis/keys.js';

type LimitConfig = Pick<Config, 'RATE_LIMIT_CHALLENGES' | 'RATE_LIMIT_LOGINS' | 'RATE_LIMIT_AUTH_FAILURES'>;

export interface AuthLimiter {
  challenge(wallet: string, ip: string): Promise<void>;
  registration(ip: string): Promise<void>;
  /** Runs a check of a credential, unless the address has failed too often; counts what somebody who guesses gets. */
  guard<T>(ip: string, check: () => Promise<T>): Promise<T>;
}

const failureWindowS = 300;

/**
 * What a forger or a guesser is told. A clock that is wrong and a session that is over happen to honest clients that
 * repeat themselves, and locking them out would also lock out their next login.
 */
const suspicious: ReadonlySet<ErrorCode> = new Set([
  'session_unknown',
  'signature_invalid',
  'nonce_reused',
  'challenge_invalid',
]);

/** Counts in Redis over all replicas, and in the process while Redis is away. Calls throw `rate_limited`. */
export function createAuthLimiter(redis: Redis, config: LimitConfig): AuthLimiter {
  const counter = (name: string, points: number, duration: number): RateLimiterAbstract => {
    const options = { keyPrefix: limitPrefix(`auth:${name}`), points, duration, blockDuration: duration };
    return new RateLimiterRedis({
      ...options,
      storeClient: redis,
      customIncrTtlLuaScript: countScript,
      insuranceLimiter: new RateLimiterMemory(options),
      rejectIfRedisNotReady: true,
    });
  };
  const challenges = counter('challenge', config.RATE_LIMIT_CHALLENGES, 60);
  const registrations = counter('registration', config.RATE_LIMIT_LOGINS, 60);
  const failures = counter('failure', config.RATE_LIMIT_AUTH_FAILURES, failureWindowS);
  // Requests that succeed ask only this one: another trip to Redis each would double what they cost there. A replica
  // learns of a block elsewhere by the first failure it sees itself.
  const blocked = new RateLimiterMemory({ keyPrefix: 'auth-blocked', points: 1, duration: failureWindowS });

  return {
    // By address as well: by wallet alone, any stranger could keep a wallet from logging in.
    challenge: (wallet, ip) => consume(challenges, `${wallet}:${networkOf(ip)}`),
    registration: (ip) => consume(registrations, networkOf(ip)),
    async guard(ip, check) {
      const network = networkOf(ip);
      const block = await blocked.get(network);
      if (block !== null) throw tooMany(block);
      try {
        return await check();
      } catch (error) {
        if (error instanceof BrokerError && suspicious.has(error.code)) await countFailure(network);
        throw error;
      }
    },
  };

  async function countFailure(network: string): Promise<void> {
    try {
      await failures.consume(network);
    } catch (error) {
      if (!(error instanceof RateLimiterRes)) throw error;
      await blocked.block(network, Math.max(1, Math.ceil(error.msBeforeNext / 1000)));
      throw tooMany(error);
    }
  }
}

async function consume(counter: RateLimiterAbstract, key: string): Promise<void> {
  try {
    await counter.consume(key);
  } catch (error) {
    throw error instanceof RateLimiterRes ? tooMany(error) : error;
  }
}

function tooMany({ msBeforeNext }: RateLimiterRes): BrokerError {
  const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000));
  return new BrokerError('rate_limited', `try again in ${seconds} s`, { retry_after_s: seconds });
}

/** An IPv6 customer holds a /64 at the least, and could send each request from another address of it. */
export function networkOf(ip: string): string {
  if (!isIPv6(ip)) return ip;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(ip);
  if (mapped !== null) return mapped[1]!;
  const [head = '', tail] = ip.split('%')[0]!.split('::');
  const left = head.split(':').filter((group) => group !== '');
  const right = (tail ?? '').split(':').filter((group) => group !== '');
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...zeros, ...right]
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':');
}
