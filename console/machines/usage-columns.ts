import type { ProviderUsage } from '../../src/client/types.generated.js';

export type Column = 'gpu' | 'cpu' | 'memory' | 'rented_gpus';

/** A column as it is drawn: fewer points, each the mean of what it stands for; null where nothing is known. */
export interface Drawn {
  stepS: number;
  fromMs: number;
  values: (number | null)[];
}

/** Brings a column down to as many points as a small chart can show. */
export function drawn(usage: ProviderUsage, column: Column, mostPoints: number): Drawn {
  const values = usage[column];
  const each = Math.max(1, Math.ceil(values.length / mostPoints));
  return {
    stepS: usage.step_s * each,
    fromMs: Date.parse(usage.from),
    values: Array.from({ length: Math.ceil(values.length / each) }, (_, at) =>
      meanOf(values.slice(at * each, (at + 1) * each)),
    ),
  };
}

/** The mean of what is known; null if nothing is. */
export function meanOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value): value is number => typeof value === 'number' && Number.isFinite(value));
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** The newest value that is known. */
export function lastOf(values: readonly (number | null)[]): number | null {
  return values.findLast((value) => typeof value === 'number') ?? null;
}

/** Runs of known values, as the positions at which lines begin and end: a gap is not drawn over. */
export function runsOf(values: readonly (number | null)[]): { from: number; values: number[] }[] {
  const runs: { from: number; values: number[] }[] = [];
  let current: { from: number; values: number[] } | undefined;
  values.forEach((value, at) => {
    if (value === null) {
      current = undefined;
    } else if (current === undefined) {
      current = { from: at, values: [value] };
      runs.push(current);
    } else {
      current.values.push(value);
    }
  });
  return runs;
}
