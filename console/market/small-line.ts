import type { MarketHistory } from '../../src/client/shapes.js';

/** How many days a card's small line covers. */
const sparklineDays = 30;

/** A small line of medians: from its first value on, on a scale on which a price that hardly moves is level. */
export interface SmallLine {
  values: (number | null)[];
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
  const there = values.filter((value) => value !== null);
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
