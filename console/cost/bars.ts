import { daysOf, type DayRange } from './range.js';

export interface DayBar {
  day: string;
  /** Base units. */
  spent: bigint;
  /** Between 0 and 1, of the scale. */
  height: number;
}

export interface DayBars {
  bars: DayBar[];
  /** Where the scale ends, in base units: a round number that no bar exceeds. */
  top: bigint;
}

const units = /^\d{1,90}$/;

/** A bar for every day of a range, also for those on which nothing was spent. */
export function dayBars(rows: readonly { key: string; spent: string }[], range: DayRange, decimals: number): DayBars {
  const spentOn = new Map(rows.map(({ key, spent }) => [key, units.test(spent) ? BigInt(spent) : 0n]));
  const days = daysOf(range).map((day) => ({ day, spent: spentOn.get(day) ?? 0n }));
  const most = days.reduce((max, { spent }) => (spent > max ? spent : max), 0n);
  const top = roundTop(most, decimals);
  return { top, bars: days.map(({ day, spent }) => ({ day, spent, height: partOf(spent, top) })) };
}

/** The next 1, 2 or 5 of a power of ten; one token if nothing was spent. */
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
