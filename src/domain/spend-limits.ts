import { news, type JobNews } from './job-event.js';
import { tokensOf } from './tokens.js';

/** A limit on what may be spent: what a wallet allowed a session, or all of its sessions in a month. */
export type SpendLimitKind = 'session' | 'monthly_cap';

/** A limit of which most is used since an order, an extension or a placement. Base units. */
export interface NearLimit {
  limit: SpendLimitKind;
  /** What it allows. */
  amount: bigint;
  /** What of it is spent or reserved. */
  used: bigint;
  /** When a month's use begins anew. */
  resetsAt?: Date;
}

/** The share of a limit from which on its customer is warned. */
export const warnedPercent = 80n;

const isNear = (amount: bigint, used: bigint) => used * 100n >= amount * warnedPercent;

/** Whether a change of what is used takes it to the warned share, so that each crossing is told once. */
export function isCrossed(amount: bigint, before: bigint, after: bigint): boolean {
  return isNear(amount, after) && !isNear(amount, before);
}

const names: Record<SpendLimitKind, string> = { session: 'limit of the login', monthly_cap: 'monthly cap' };

export function nearLimitNews({ limit, amount, used, resetsAt }: NearLimit): JobNews {
  const percent = Number((used * 100n) / amount);
  const until = resetsAt === undefined ? '' : ` until ${resetsAt.toISOString().slice(0, 10)}`;
  const text = `${percent} % of the ${names[limit]} of ${tokensOf(amount)} tokens is used${until}`;
  return news('limit_near', text, {
    ...{ limit, percent, used: used.toString(), amount: amount.toString() },
    resets_at: resetsAt?.toISOString(),
  });
}
