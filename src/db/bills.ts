import { sentence } from '../domain/outside.js';
import { isProviderId } from '../domain/provider.js';
import { isUuid } from '../domain/uuid.js';
import { decodeCursor, encodeCursor } from './cursor.js';
import type { Queryable } from './pool.js';

/** Whose jobs a bill is about: a customer's, those at one provider, or those at all providers of an owner. */
export type BilledJobs = { wallet: string } | { providerId: string } | { owner: string };

export const billsBy = ['job', 'day', 'provider', 'gpu_type', 'session'] as const;
export type BillsBy = (typeof billsBy)[number];

export interface BillRow {
  /**
   * A job's id, a day of UTC, the session that ordered, or a provider's id or a type of GPU, which are '' for jobs that are
   * not placed or have none.
   */
  key: string;
  jobs: number;
  /** What is paid for. */
  billedMs: number;
  /** Base units, as the ledger has them: of jobs that ended, and held for those that have not. */
  spent: bigint;
  reserved: bigint;
  /** Of `spent`: the platform's part at the settlement. */
  fee: bigint;
  /** Of `spent`: what customers got back, and what providers returned of it. */
  refunded: bigint;
  returned: bigint;
  /** Of `spent`: what ports cost. */
  ports: bigint;
  /** When the first of its jobs was ready, and when the last of them ended. */
  from?: Date;
  to?: Date;
  /** Of one job only. */
  jobName?: string;
  providerId?: string;
  gpuType?: string;
}

export interface Bill {
  rows: BillRow[];
  /** Of all rows, on whichever page they are. */
  total: Pick<BillRow, 'jobs' | 'billedMs' | keyof BillAmounts>;
  nextCursor?: string;
}

type BillAmounts = Pick<BillRow, (typeof amounts)[number]>;

/** Columns that are sums over the jobs of a row, and over all rows. */
const amounts = ['spent', 'reserved', 'fee', 'refunded', 'returned', 'ports'] as const;

interface Row extends Record<(typeof amounts)[number], string>, Record<`all_${(typeof amounts)[number]}`, string> {
  key: string | null;
  jobs: number;
  billed_ms: string;
  first: Date | null;
  last: Date | null;
  job_name: string | null;
  provider_id: string | null;
  gpu_type: string | null;
  all_jobs: number;
  all_billed_ms: string;
}

const keys: Record<BillsBy, { sql: string; order: 'asc' | 'desc'; isKey: (part: string) => boolean }> = {
  // The ids of jobs begin with the time of their order.
  job: { sql: 'job_id::text', order: 'desc', isKey: isUuid },
  day: {
    sql: `to_char(at at time zone 'utc', 'YYYY-MM-DD')`,
    order: 'desc',
    isKey: (part) => /^[\d-]{10}$/.test(part),
  },
  provider: {
    ...{ sql: `coalesce(provider_id, '')`, order: 'asc' },
    isKey: (part) => part === '' || isProviderId(part),
  },
  gpu_type: { sql: `coalesce(gpu_type, '')`, order: 'asc', isKey: (part) => /^[\x20-\x7e]{0,200}$/.test(part) },
  session: { sql: `coalesce(session_id::text, '')`, order: 'asc', isKey: (part) => part === '' || isUuid(part) },
};

function scopeOf(jobs: BilledJobs): [sql: string, value: string] {
  if ('wallet' in jobs) return ['j.wallet = $1', jobs.wallet];
  if ('providerId' in jobs) return ['j.provider_id = $1', jobs.providerId];
  return ['j.provider_id in (select provider_id from providers where wallet_addr = $1)', jobs.owner];
}

/**
 * What jobs cost, from the ledger, so that the sums are exactly what was charged. A job belongs to the time of its end:
 * its row never changes afterwards. One that has not ended belongs to the present, with what is reserved for it.
 *
 * @param range includes `from` and excludes `to`.
 * @throws BrokerError `validation_failed` for a cursor that is not of this list.
 */
export async function listBills(
  db: Queryable,
  jobs: BilledJobs,
  { by, from, to, limit, cursor }: { by: BillsBy; from: Date; to: Date; limit: number; cursor?: string | undefined },
): Promise<Bill> {
  const { sql: key, order, isKey } = keys[by];
  const [after] = cursor === undefined ? [] : decodeCursor(cursor, isKey);
  const [scope, value] = scopeOf(jobs);
  const ofOne = (column: string) => (by === 'job' ? `min(${column})` : 'null::text');
  const { rows } = await db.query<Row>(
    `with rated as (
       select j.job_id, coalesce(j.ports_rate, 0) as ports_rate, j.job_name, j.provider_id, j.gpu_type, j.session_id, j.started_at, coalesce(j.ended_at, now()) as at,
              case when j.started_at is not null then coalesce(j.served_until, least(j.ended_at, j.expires_at)) end as until,
              case when j.started_at is null or j.ended_at is null then 0
                   -- Versions that did not record it charged the whole time.
                   else coalesce(j.billed_ms, greatest(0, trunc(1000 * extract(epoch from
                     least(j.ended_at, j.expires_at) - j.started_at)))) end as billed_ms,
              c.spent, c.reserved, div(c.spent * coalesce(j.fee_bps, 0), 10000) as fee, r.refunded, r.returned
         from jobs j cross join lateral (
           select coalesce(sum(spent), 0) as spent, coalesce(sum(reserved) filter (where settled_at is null), 0) as reserved
             from auth_charges where job_id = j.job_id) c
         cross join lateral (
           select coalesce(sum(l.amount) filter (where a.kind = 'customer'), 0) as refunded,
                  coalesce(-sum(l.amount) filter (where a.kind in ('provider', 'unclaimed')), 0) as returned
             from ledger_entries e join ledger_lines l on l.entry_id = e.id join ledger_accounts a on a.id = l.account_id
            where e.job_id = j.job_id and e.kind = 'refund') r
        where ${scope}
          and ((j.ended_at >= $2 and j.ended_at < $3) or (j.ended_at is null and now() >= $2 and now() < $3))
          and (j.started_at is not null or c.spent > 0 or c.reserved > 0)
     ), billed as (
       select *, least(spent, div(ports_rate * billed_ms, 3600000)) as ports from rated
     ), total as (
       select count(*)::int as all_jobs, coalesce(sum(billed_ms), 0)::text as all_billed_ms,
              ${amounts.map((of) => `coalesce(sum(${of}), 0)::text as all_${of}`).join(', ')} from billed
     ), page as (
       select ${key} as key, count(*)::int as jobs, sum(billed_ms)::text as billed_ms,
              ${amounts.map((of) => `sum(${of})::text as ${of}`).join(', ')}, min(started_at) as first, max(until) as last,
              ${ofOne('job_name')} as job_name, ${ofOne('provider_id')} as provider_id, ${ofOne('gpu_type')} as gpu_type
         from billed
        where $4::text is null or (${key}) collate "C" ${order === 'asc' ? '>' : '<'} $4
        group by 1 order by ((${key}) collate "C") ${order} limit $5
     )
     select page.*, total.* from total left join page on true order by (page.key collate "C") ${order}`,
    [value, from, to, after ?? null, limit + 1],
  );
  const all = rows[0]!;
  const found = rows.flatMap((row) => (row.key === null ? [] : [billOf({ ...row, key: row.key })]));
  const page = found.slice(0, limit);
  return {
    rows: page,
    total: {
      ...{ jobs: all.all_jobs, billedMs: Number(all.all_billed_ms) },
      ...amountsOf((of) => all[`all_${of}`]),
    },
    ...(found.length > limit ? { nextCursor: encodeCursor(page.at(-1)!.key) } : {}),
  };
}

function amountsOf(text: (of: (typeof amounts)[number]) => string): BillAmounts {
  return Object.fromEntries(amounts.map((of) => [of, BigInt(text(of))])) as unknown as BillAmounts;
}

function billOf(row: Row & { key: string }): BillRow {
  return {
    key: row.key,
    jobs: row.jobs,
    billedMs: Number(row.billed_ms),
    ...amountsOf((of) => row[of]),
    ...(row.first === null ? {} : { from: row.first }),
    ...(row.last === null ? {} : { to: row.last }),
    ...(row.job_name === null ? {} : { jobName: sentence(row.job_name) }),
    ...(row.provider_id === null ? {} : { providerId: row.provider_id }),
    ...(row.gpu_type === null ? {} : { gpuType: row.gpu_type }),
  };
}
