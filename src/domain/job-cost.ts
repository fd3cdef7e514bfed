import { billedTime, type Span } from './billing.js';
import type { GapCause } from './job.js';
import { chargeFor } from '../wire/charge.js';

/** What the ledger and the job's row say about its money. Base units; `rate` is per hour. */
export interface JobMoney {
  /** Absent until the job is placed. */
  rate?: bigint;
  /** The platform's share in hundredths of a percent; absent until it is placed, and of jobs of older versions. */
  feeBps?: number;
  /** What a job that has ended was billed for; absent of jobs of older versions. */
  billedMs?: number;
  /** What its open charges hold. */
  reserved: bigint;
  /** What its settled charges cost. */
  spent: bigint;
  /** Gaps that are over; of a job that has ended only with `hasAllGaps`. */
  gaps: readonly (Span & { cause: GapCause })[];
  hasAllGaps: boolean;
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
  /** The time that is paid for so far. */
  billedMs?: number;
}

/**
 * What a job costs at a moment: of one that has ended what the ledger says, of one that runs what the ledger would say
 * if it ended then. Time in which the provider is away is not paid for.
 */
export function costAt(
  { rate, reserved, spent, gaps, awaySinceMs, billedMs: known }: JobMoney,
  times: { readyAtMs: number | undefined; expiresAtMs: number | undefined; isOver: boolean },
  atMs: number,
): JobCost {
  const perSecond = rate === undefined ? {} : { perSecond: rate / secondsPerHour };
  const { readyAtMs, expiresAtMs, isOver } = times;
  if (isOver || rate === undefined || readyAtMs === undefined || expiresAtMs === undefined) {
    const billedMs = readyAtMs === undefined ? 0 : known;
    return { spent, reserved, ...perSecond, ...(billedMs === undefined ? {} : { billedMs }) };
  }
  const { billedMs } = billedTime({ readyAtMs, expiresAtMs, endAtMs: atMs, lastSeenMs: awaySinceMs, gaps });
  const soFar = spent + chargeFor(rate, billedMs);
  // Never more than is reserved, as the settlement.
  return { spent: soFar > reserved ? reserved : soFar, reserved, ...perSecond, billedMs };
}

const secondsPerHour = 3_600n;
