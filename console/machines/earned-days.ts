/** What was earned on a day, refunds taken off, in base units. */
export interface EarnedDay {
  /** `2026-11-25`, of UTC: as the ledger counts. */
  day: string;
  earned: bigint;
  seconds: number;
}

const dayMs = 86_400_000;

/** The day of a moment, in UTC. */
export function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/**
 * One entry for each of the last days, today being the last one. The broker leaves out days without earnings.
 *
 * @param rows of `by=day`; other days are ignored.
 */
export function earnedDays(
  rows: readonly { key: string; earned: string; refunded: string; seconds: number }[],
  { nowMs, days }: { nowMs: number; days: number },
): EarnedDay[] {
  const known = new Map(rows.map((row) => [row.key, row]));
  return Array.from({ length: days }, (_, at) => {
    const day = dayOf(nowMs - (days - 1 - at) * dayMs);
    const row = known.get(day);
    return { day, earned: netOf(row), seconds: row?.seconds ?? 0 };
  });
}

/** The sum of some days, as the base units that amounts are written from. */
export function earnedIn(days: readonly EarnedDay[]): string {
  return days.reduce((total, { earned }) => total + earned, 0n).toString();
}

/** Of a day on which more was given back than earned, nothing. */
function netOf(row: { earned: string; refunded: string } | undefined): bigint {
  const net = baseUnits(row?.earned) - baseUnits(row?.refunded);
  return net > 0n ? net : 0n;
}

function baseUnits(text: string | undefined): bigint {
  return text !== undefined && /^\d{1,90}$/.test(text) ? BigInt(text) : 0n;
}
