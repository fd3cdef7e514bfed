import type { Revenue } from '../../src/client/types.generated.js';

export type RevenueBy = 'day' | 'month' | 'provider' | 'gpu_type';
type Row = Revenue['rows'][number];

/** What was charged, kept and given back, in base units. */
export interface RevenueSums {
  jobs: number;
  charged: bigint;
  fees: bigint;
  refunded: bigint;
}

const nothing: RevenueSums = { jobs: 0, charged: 0n, fees: 0n, refunded: 0n };

const added = (sums: RevenueSums, { jobs, charged, fees, refunded }: Row): RevenueSums => ({
  jobs: sums.jobs + jobs,
  charged: sums.charged + BigInt(charged),
  fees: sums.fees + BigInt(fees),
  refunded: sums.refunded + BigInt(refunded),
});

export function revenueSums(rows: readonly Row[]): RevenueSums {
  return rows.reduce(added, nothing);
}

/** The rows of days as rows of months, in the order in which they are. */
export function byMonth(rows: readonly Row[]): Row[] {
  const months = new Map<string, RevenueSums>();
  for (const row of rows) {
    const month = row.key.slice(0, 7);
    months.set(month, added(months.get(month) ?? nothing, row));
  }
  return [...months].map(([key, { jobs, charged, fees, refunded }]) => ({
    ...{ key, jobs, charged: charged.toString(), fees: fees.toString(), refunded: refunded.toString() },
  }));
}

/** From which day on revenue is read: days of a month and a bit, months of a year. */
export function firstDay(by: RevenueBy, nowMs: number): string {
  const now = new Date(nowMs);
  const first =
    by === 'month'
      ? Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - 11, 1)
      : Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate() - 30);
  return new Date(first).toISOString().slice(0, 10);
}
