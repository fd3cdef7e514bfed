import type { WorldLandError } from '../../src/client/index.js';
import { outcomeOfAnswer } from '../live/outcome.js';

/** What a failure is called, and what to do about it; the broker's own `detail` stands between them. */
export interface Failure {
  title: string;
  advice?: string;
}

/** What failed. */
export interface Failed {
  /** A reading: when it is tried again by itself, by this computer's clock; undefined: it is not. */
  nextAtMs?: number | undefined;
  /** Something that a person asked for; a sentence for where it is not known whether it was done. */
  action?: true | string | undefined;
}

type Facts = Pick<WorldLandError, 'code' | 'status'> & { retryAfterS?: number | undefined };

const ended: Failure = { title: 'Your login has ended', advice: 'Connect your wallet again.' };

const byCode: Record<string, Failure> = {
  network: { title: 'The broker cannot be reached' },
  timeout: { title: 'The broker did not answer in time' },
  protocol: { title: 'Something other than the broker answered' },
  not_logged_in: { title: 'You are not connected', advice: 'Connect your wallet, then try again.' },
  session_unknown: ended,
  session_expired: ended,
  session_revoked: ended,
  rate_limited: { title: 'Too many requests' },
  not_found: { title: 'There is no such thing here' },
  validation_failed: { title: 'Something in it is not acceptable' },
  no_capacity: { title: 'Nobody has this free now' },
  spend_limit_exceeded: { title: 'This costs more than your limit allows' },
  monthly_cap_reached: { title: 'This costs more than your monthly cap leaves' },
  insufficient_funds: { title: 'Your deposit does not cover this' },
  exit_pending: { title: 'You have asked for your exit', advice: 'Stay after all under Deposits, then try again.' },
  withdrawal_pending: { title: 'A withdrawal is under way already' },
  settlement_stalled: { title: 'Nothing new can be ordered now', advice: 'Jobs that run go on.' },
  chain_off: { title: 'This broker has nothing on a chain' },
  quota_exceeded: { title: 'There are too many already' },
  scope_denied: { title: 'Your login may not do this' },
  wallet_changed: { title: 'Another operator has signed in' },
  wallet_rejected: { title: 'Your wallet said no', advice: 'Nothing was signed.' },
};

const ownFault = 'It is not your doing. If it stays, tell the operator the id of the request.';
const lookFirst = 'It is not known whether it was done. Look before you try again.';

export function failureInWords(error: Facts, failed: Failed = {}): Failure {
  const known = Object.hasOwn(byCode, error.code) ? byCode[error.code] : undefined;
  const isFault = known === undefined && error.status >= 500;
  const { title, advice } = known ?? { title: isFault ? 'The broker has a problem' : 'The broker refuses' };
  const all = [advice, isFault ? ownFault : undefined, whatNow(error, failed)].filter((part) => part !== undefined);
  return { title, ...(all.length === 0 ? {} : { advice: all.join(' ') }) };
}

/** Readings are repeated by themselves, and what a person asked for never is. */
function whatNow({ code, status, retryAfterS }: Facts, { nextAtMs, action }: Failed): string | undefined {
  if (action === undefined) return nextAtMs === undefined ? undefined : 'It is tried again by itself.';
  if (outcomeOfAnswer({ code, status }) === 'unknown') return action === true ? lookFirst : action;
  if (status !== 429) return undefined;
  return retryAfterS === undefined ? 'Wait a little, then try again.' : `Try again in ${Math.ceil(retryAfterS)} s.`;
}
