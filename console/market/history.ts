import type { MarketHistory } from '../../src/client/shapes.js';

export const historyRanges = ['24h', '7d', '90d'] as const;
export type HistoryRange = (typeof historyRanges)[number];

export const rangeWords: Record<HistoryRange, string> = { '24h': '24 h', '7d': '7 d', '90d': '90 d' };

export function rangeOf(text: string | null): HistoryRange {
  return historyRanges.find((range) => range === text) ?? '24h';
}

type Column = (number | null)[];

/** A history as charts want it: one column of times in Unix seconds, and one of values for each line. */
export interface HistoryColumns {
  times: number[];
  min: Column;
  median: Column;
  max: Column;
  free: Column;
  total: Column;
  /** How far apart the times are. */
  stepS: number;
  /** True if what was sampled is much shorter than what was asked for. */
  isShort: boolean;
}

/** Fewer steps than this make no line that says anything. */
const fewestSteps = 6;

/**
 * The columns from the first sample on: a site of today has no 90 days behind it, and a line at the very edge of an empty
 * chart says nothing. Undefined if there is no sample at all.
 */
export function columnsOf(history: MarketHistory): HistoryColumns | undefined {
  const { step_s: stepS, total } = history;
  const first = total.findIndex((value) => value !== null);
  if (first === -1) return undefined;
  const from = Math.max(0, Math.min(first, total.length - fewestSteps));
  const startS = Date.parse(history.from) / 1000;
  const cut = (column: Column) => column.slice(from);
  return {
    times: cut(total).map((_, at) => startS + (from + at) * stepS),
    min: cut(history.price_min),
    median: cut(history.price_median),
    max: cut(history.price_max),
    free: cut(history.free),
    total: cut(total),
    stepS,
    isShort: first > total.length / 2,
  };
}

/** One line of the table behind the chart. */
export interface HistoryRow {
  timeS: number;
  min: number | null;
  median: number | null;
  max: number | null;
  free: number | null;
  total: number | null;
}

/** The newest first; steps without a sample are left out. */
export function historyRows({ times, min, median, max, free, total }: HistoryColumns): HistoryRow[] {
  return times
    .map((timeS, at) => ({
      timeS,
      min: min[at] ?? null,
      median: median[at] ?? null,
      max: max[at] ?? null,
      free: free[at] ?? null,
      total: total[at] ?? null,
    }))
    .filter((row) => row.total !== null)
    .reverse();
}

/** What the chart shows, in one sentence: for whoever does not see it. */
export function chartSentence({ min, max, free, total }: HistoryColumns, price: (value: number) => string): string {
  const lowest = Math.min(...known(min));
  const highest = Math.max(...known(max));
  const prices =
    Number.isFinite(lowest) && Number.isFinite(highest)
      ? `Between ${price(lowest)} and ${price(highest)}`
      : 'No prices';
  return `${prices}; ${known(free).at(-1) ?? 0} of ${known(total).at(-1) ?? 0} GPUs free at the end.`;
}

const known = (column: Column) => column.filter((value) => value !== null);

/** How many days a card's small line covers. */
const sparklineDays = 30;

/** A small line of medians: from its first value on, on a scale on which a price that hardly moves is level. */
export interface SmallLine {
  values: Column;
  min: number;
  max: number;
  days: number;
}

/**
 * The medians of the last 30 days of a history. Undefined with fewer than two: a point is no line.
 *
 * The scale never shows less than a fifth of the value, or a change of nothing would look like a fall.
 */
export function smallLineOf({ step_s: stepS, price_median: medians }: MarketHistory): SmallLine | undefined {
  const recent = medians.slice(-Math.round((sparklineDays * 86_400) / stepS));
  const first = recent.findIndex((value) => value !== null);
  const values = first === -1 ? [] : recent.slice(first);
  const there = known(values);
  if (there.length < 2) return undefined;
  const [low, high] = [Math.min(...there), Math.max(...there)];
  const half = Math.max((high - low) / 2, high * 0.1);
  const middle = (low + high) / 2;
  return { values, min: middle - half, max: middle + half, days: (values.length * stepS) / 86_400 };
}

/** `30 days`, `5 h`: how far back a small line goes. */
export function daysText(days: number): string {
  return days < 1 ? `${Math.max(1, Math.round(days * 24))} h` : `${Math.round(days)} d`;
}
