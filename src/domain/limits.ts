import { BrokerError } from './errors.js';

/** What a limit counts by. IPv6 addresses are counted by /64. */
export type LimitedBy = 'address' | 'wallet' | 'provider' | 'job';

interface Limit {
  per: LimitedBy;
  /** What is counted, in the words of the answer. */
  counts: string;
  /** The window in seconds; absent if the limit counts concurrent operations. */
  windowS?: number;
  /** The variable that sets the limit; absent if it is not configurable. */
  setting?: string;
}

/**
 * All limits answered with 429. Limits by address count only requests without valid proof of identity. A client that
 * proves its identity is counted by that identity, so its neighbours' requests do not count against it.
 */
export const limits = {
  requests: {
    per: 'address',
    counts: 'requests without a good credential',
    windowS: 60,
    setting: 'RATE_LIMIT_PER_IP',
  },
  failures: {
    per: 'address',
    counts: 'credentials that were not good',
    windowS: 300,
    setting: 'RATE_LIMIT_AUTH_FAILURES',
  },
  new_wallets: {
    per: 'address',
    counts: 'wallets that log in or revoke for the first time',
    windowS: 60,
    setting: 'RATE_LIMIT_LOGINS',
  },
  logins: { per: 'wallet', counts: 'logins and revocations', windowS: 60, setting: 'RATE_LIMIT_LOGINS' },
  reads: { per: 'wallet', counts: 'reads', windowS: 60, setting: 'RATE_LIMIT_READS' },
  writes: { per: 'wallet', counts: 'changes', windowS: 60, setting: 'RATE_LIMIT_WRITES' },
  orders: { per: 'wallet', counts: 'orders', windowS: 60, setting: 'RATE_LIMIT_JOBS' },
  unready_starts: {
    per: 'wallet',
    counts:
      'starts that ended before they were ready: cancelled, failed by their image or program, not reached, or not in time',
    windowS: 3_600,
    setting: 'MAX_UNREADY_STARTS_PER_HOUR',
  },
  provider_strangers: {
    per: 'address',
    counts: 'messages that no known key of a provider has signed',
    windowS: 60,
    setting: 'RATE_LIMIT_PROVIDERS',
  },
  provider_messages: {
    per: 'provider',
    counts: 'messages and questions that its key has signed',
    windowS: 60,
    setting: 'RATE_LIMIT_PER_PROVIDER',
  },
  signatures: { per: 'address', counts: 'signatures that wait to be checked' },
  job_requests: { per: 'job', counts: 'requests under way' },
  provider_orders: { per: 'provider', counts: 'orders under way' },
} as const satisfies Record<string, Limit>;

export type LimitName = keyof typeof limits;

/**
 * The error for an exceeded limit. It names the limit, what it counts by, how many it allows and when to retry. For
 * limits on concurrent operations, one may end at any moment.
 */
export function limitReached(
  name: LimitName,
  { allowed, retryAfterS, cause }: { allowed: number; retryAfterS: number; cause?: unknown },
  nowMs = Date.now(),
): BrokerError {
  const limit: Limit = limits[name];
  const waitS = Math.max(1, Math.ceil(retryAfterS));
  const within = limit.windowS === undefined ? 'at a time' : `in ${limit.windowS} s`;
  return new BrokerError(
    'rate_limited',
    `${limit.counts}: ${allowed} ${within} for one ${limit.per}; try again in ${waitS} s`,
    {
      limit: name,
      per: limit.per,
      allowed,
      ...(limit.windowS === undefined ? {} : { window_s: limit.windowS }),
      retry_after_s: waitS,
      retry_at: new Date(nowMs + waitS * 1000).toISOString(),
    },
    ...(cause === undefined ? [] : [{ cause }]),
  );
}
