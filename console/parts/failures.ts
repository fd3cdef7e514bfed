import type { WorldLandError } from '../../src/client/index.js';

/** What a failure is called, and what to do about it; the broker's own `detail` stands between them. */
export interface Failure {
  title: string;
  advice?: string;
}

const ended: Failure = { title: 'Your login has ended', advice: 'Connect your wallet again.' };

const byCode: Record<string, Failure> = {
  network: { title: 'The broker cannot be reached', advice: 'Nothing was lost. It is tried again by itself.' },
  timeout: { title: 'The broker did not answer in time', advice: 'It is tried again by itself.' },
  protocol: { title: 'Something else than the broker answered' },
  not_logged_in: { title: 'You are not connected', advice: 'Connect your wallet, then try again.' },
  session_unknown: ended,
  session_expired: ended,
  session_revoked: ended,
  rate_limited: { title: 'Too many requests', advice: 'It goes on by itself.' },
  not_found: { title: 'There is no such thing here' },
  validation_failed: { title: 'Something in it is not acceptable' },
  no_capacity: { title: 'Nobody has this free now' },
  spend_limit_exceeded: { title: 'This costs more than your limit allows' },
  monthly_cap_reached: { title: 'This costs more than your monthly cap leaves' },
  quota_exceeded: { title: 'There are too many already' },
  scope_denied: { title: 'Your login may not do this' },
  wallet_rejected: { title: 'Your wallet said no', advice: 'Nothing was signed.' },
};

export function failureInWords(error: Pick<WorldLandError, 'code' | 'status'>): Failure {
  const known = Object.hasOwn(byCode, error.code) ? byCode[error.code] : undefined;
  if (known !== undefined) return known;
  if (error.status >= 500)
    return {
      title: 'The broker has a problem',
      advice: 'It is not your doing. If it stays, tell the operator the id of the request.',
    };
  return { title: 'The broker refuses' };
}
