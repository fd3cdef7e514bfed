/**
 * What a job is paid for, worked out from what happened: when SSH answered, what ended first, and when its provider was
 * away. How the job ended does not enter. Pure and in whole numbers: times in milliseconds since 1970, money in base
 * units (10^-18 of a token).
 */

/** A stretch of time, `fromMs` included and `toMs` not. */
export interface Span {
  fromMs: number;
  toMs: number;
}

/** What is known of a job when it ends. Times that nobody knows are absent. */
export interface ServiceFacts {
  /** When SSH answered; a job that never got there costs nothing. */
  readyAtMs?: number | undefined;
  expiresAtMs: number;
  /** When its end was decided, by the broker's own clock. */
  endAtMs: number;
  /** When its container ended, as Kubernetes has it; written by the provider's machine, and believed within bounds. */
  podEndedAtMs?: number | undefined;
  /** Last sign of life of a provider that is away at the end; absent while it is there. */
  lastSeenMs?: number | undefined;
  /** When the provider did not serve it although it ran. They may overlap and reach beyond the job. */
  gaps: readonly Span[];
}

export interface BilledTime {
  /** The customer was served no longer than this. */
  servedUntilMs: number;
  billedMs: number;
  /** The gaps that counted: in order, apart from each other, within the time of service. */
  gaps: Span[];
}

/**
 * The time a customer pays for: from the moment SSH answered to whatever came first of the decision to end the job, its
 * expiry, the end of its container and its provider's last sign of life; without the gaps.
 */
export function billedTime(facts: ServiceFacts): BilledTime {
  const { readyAtMs, expiresAtMs, endAtMs, podEndedAtMs, lastSeenMs } = facts;
  if (readyAtMs === undefined) return { servedUntilMs: endAtMs, billedMs: 0, gaps: [] };
  // An end before the beginning is not one: it was written by a clock that is wrong, or for nothing at all.
  const podEnd = podEndedAtMs !== undefined && podEndedAtMs >= readyAtMs ? podEndedAtMs : Infinity;
  const lastSeen = lastSeenMs === undefined ? Infinity : lastSeenMs;
  const servedUntilMs = Math.max(readyAtMs, Math.min(endAtMs, expiresAtMs, podEnd, lastSeen));
  const gaps = union(facts.gaps, { fromMs: readyAtMs, toMs: servedUntilMs });
  const missed = gaps.reduce((sum, { fromMs, toMs }) => sum + (toMs - fromMs), 0);
  return { servedUntilMs, billedMs: servedUntilMs - readyAtMs - missed, gaps };
}

/** What so much billed time costs, rounded down. */
export function chargeFor(rate: bigint, billedMs: number): bigint {
  return (rate * BigInt(billedMs)) / msPerHour;
}

/** What has to be set aside for so many seconds, rounded up: a charge for them never exceeds it. */
export function reservationFor(rate: bigint, seconds: number): bigint {
  return (rate * BigInt(seconds) * 1_000n + msPerHour - 1n) / msPerHour;
}

const msPerHour = 3_600_000n;

/** The same moments in order and without overlaps, as far as they lie in `within`. */
function union(spans: readonly Span[], within: Span): Span[] {
  const cut = spans
    .map(({ fromMs, toMs }) => ({ fromMs: Math.max(fromMs, within.fromMs), toMs: Math.min(toMs, within.toMs) }))
    .filter(({ fromMs, toMs }) => toMs > fromMs)
    .sort((a, b) => a.fromMs - b.fromMs);
  const apart: Span[] = [];
  for (const span of cut) {
    const last = apart.at(-1);
    if (last !== undefined && span.fromMs <= last.toMs) last.toMs = Math.max(last.toMs, span.toMs);
    else apart.push({ ...span });
  }
  return apart;
}
