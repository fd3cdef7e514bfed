export interface DayBar {
  day: string;
  /** Base units. */
  amount: bigint;
  /** Between 0 and 1, of the scale. */
  height: number;
}

export interface DayBars {
  bars: DayBar[];
  /** Where the scale ends, in base units: a round number that no bar exceeds. */
  top: bigint;
}

const units = /^\d{1,90}$/;

/**
 * A bar for each of some days, also for those on which there was nothing.
 *
 * @param rows other days are ignored; an amount that is none counts as nothing.
 */
export function dayBars(
  days: readonly string[],
  rows: readonly { day: string; amount: string | bigint }[],
  decimals: number,
): DayBars {
  const amounts = new Map(rows.map(({ day, amount }) => [day, units.test(String(amount)) ? BigInt(amount) : 0n]));
  const all = days.map((day) => ({ day, amount: amounts.get(day) ?? 0n }));
  const most = all.reduce((max, { amount }) => (amount > max ? amount : max), 0n);
  const top = roundTop(most, decimals);
  return { top, bars: all.map((each) => ({ ...each, height: partOf(each.amount, top) })) };
}

/** The next 1, 2 or 5 of a power of ten; one token if there was nothing. */
export function roundTop(most: bigint, decimals: number): bigint {
  if (most <= 0n) return 10n ** BigInt(decimals);
  const power = 10n ** BigInt(most.toString().length - 1);
  const step = [1n, 2n, 5n, 10n].find((each) => each * power >= most)!;
  return step * power;
}

function partOf(part: bigint, whole: bigint): number {
  return Number((part * 10_000n) / whole) / 10_000;
}

/** Which days are written below the bars: the first, the last and some between them, evenly. */
export function labelledDays(count: number, most: number): number[] {
  if (count <= 1 || most < 2) return count === 0 ? [] : [0];
  const labels = Math.min(count, most);
  return [...new Set(Array.from({ length: labels }, (_, at) => Math.round((at * (count - 1)) / (labels - 1))))];
}
