/**
 * Computes what a job is billed from what happened: when SSH answered, what ended first, and when its provider was
 * away. The way the job ended does not matter. Pure functions on whole numbers: times are Unix milliseconds, money is
 * in base units (10^-18 of a token).
 */

/** A time span, including `fromMs` and excluding `toMs`. */
export interface Span {
  fromMs: number;
  toMs: number;
}

/** The known facts about a job when it ends. Unknown times are absent. */
export interface ServiceFacts {
  /** When SSH answered; a job that never got there costs nothing. */
  readyAtMs?: number | undefined;
  expiresAtMs: number;
  /** When its end was decided, by the broker's own clock. */
  endAtMs: number;
  /**
   * When its container ended, according to Kubernetes. The provider's machine writes it, so it is trusted only within
   * bounds.
   */
  podEndedAtMs?: number | undefined;
  /** The last sign of life of a provider that is away when the job ends; absent when the provider is present. */
  lastSeenMs?: number | undefined;
  /** When the provider did not serve the job although it ran. Gaps may overlap and extend beyond the job. */
  gaps: readonly Span[];
}

export interface BilledTime {
  /** The end of the customer's service. */
  servedUntilMs: number;
  billedMs: number;
  /** The gaps that count: sorted, disjoint and within the time of service. */
  gaps: Span[];
}

/**
 * The time a customer pays for: it starts when SSH answered and stops at the earliest of the decision to end the job,
 * its expiry, the end of its container and its provider's last sign of life. Gaps are not paid for.
 */
export function billedTime(facts: ServiceFacts): BilledTime {
  const { readyAtMs, expiresAtMs, endAtMs, podEndedAtMs, lastSeenMs } = facts;
  if (readyAtMs === undefined) return { servedUntilMs: endAtMs, billedMs: 0, gaps: [] };
  // Ignore an end before the start: a wrong clock wrote it, or it means nothing.
  const podEnd = podEndedAtMs !== undefined && podEndedAtMs >= readyAtMs ? podEndedAtMs : Infinity;
  const lastSeen = lastSeenMs === undefined ? Infinity : lastSeenMs;
  const servedUntilMs = Math.max(readyAtMs, Math.min(endAtMs, expiresAtMs, podEnd, lastSeen));
  const gaps = union(facts.gaps, { fromMs: readyAtMs, toMs: servedUntilMs });
  const missed = gaps.reduce((sum, { fromMs, toMs }) => sum + (toMs - fromMs), 0);
  return { servedUntilMs, billedMs: servedUntilMs - readyAtMs - missed, gaps };
}

/** The amount to reserve for a duration, rounded up, so that the charge for it never exceeds the reservation. */
export function reservationFor(rate: bigint, seconds: number): bigint {
  return (rate * BigInt(seconds) * 1_000n + msPerHour - 1n) / msPerHour;
}

const msPerHour = 3_600_000n;

/** Sorts and merges spans, and clips them to `within`. */
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
