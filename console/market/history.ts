import type { MarketHistory } from '../../src/client/shapes.js';

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
