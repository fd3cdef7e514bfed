/** One figure of the broker, with its target. */
export interface Measurement {
  work: string;
  /** The target in words; '' for figures that are only for information. */
  target: string;
  measured: string;
  /** Whether the target was reached; absent without a target. */
  met?: boolean;
}

/** Measures something; `log` reports the progress of long work. */
export type Measure = (log: (line: string) => void) => Promise<Measurement[]>;

/** The value below which this fraction of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** Does `total` things, `width` of them at a time. */
export async function spread(total: number, width: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < total) await work(next++);
    }),
  );
}

/** Milliseconds as seconds, for people. */
export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 0)} s`;
}

/** The table in Markdown, ready to be stored. */
export function table(measurements: readonly Measurement[]): string {
  const verdict = ({ met }: Measurement) => (met === undefined ? '' : met ? 'yes' : '**no**');
  const rows = [
    ['work', 'target', 'measured', 'reached'],
    ...measurements.map((each) => [each.work, each.target, each.measured, verdict(each)]),
  ];
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) => `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  const rule = `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`;
  return [line(rows[0]!), rule, ...rows.slice(1).map(line)].join('\n');
}
