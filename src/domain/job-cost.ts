import { billedTime, chargeFor, type Span } from './billing.js';

/** What the ledger and the job's row say about its money. Base units; `rate` is per hour. */
export interface JobMoney {
  /** Absent until the job is placed. */
  rate?: bigint;
  /** What its open charges hold. */
  reserved: bigint;
  /** What its settled charges cost. */
  spent: bigint;
  /** Gaps that are over. */
  gaps: readonly Span[];
  /** The digest of its last receipt. */
  receipt?: string;
  /** Since when its provider has been away, while it is. */
  awaySinceMs?: number;
}

/** What a job has cost so far, what it holds, and what it costs while it is served; base units, whole. */
export interface JobCost {
  spent: bigint;
  reserved: bigint;
  perSecond?: bigint;
}

/**
 * What a job costs at a moment: of one that has ended what the ledger says, of one that runs what the ledger would say
 * if it ended then. Time in which the provider is away is not paid for.
 */
export function costAt(
  { rate, reserved, spent, gaps, awaySinceMs }: JobMoney,
  times: { readyAtMs: number | undefined; expiresAtMs: number | undefined; isOver: boolean },
  atMs: number,
): JobCost {
  const perSecond = rate === undefined ? {} : { perSecond: rate / secondsPerHour };
  const { readyAtMs, expiresAtMs, isOver } = times;
  if (isOver || rate === undefined || readyAtMs === undefined || expiresAtMs === undefined) {
    return { spent, reserved, ...perSecond };
  }
  const { billedMs } = billedTime({ readyAtMs, expiresAtMs, endAtMs: atMs, lastSeenMs: awaySinceMs, gaps });
  const soFar = spent + chargeFor(rate, billedMs);
  // Never more than is reserved, as the settlement.
  return { spent: soFar > reserved ? reserved : soFar, reserved, ...perSecond };
}

const secondsPerHour = 3_600n;
