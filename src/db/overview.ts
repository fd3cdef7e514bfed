import type { JobStatus, ProviderStatus } from '../wire/statuses.js';
import type { Queryable } from './pool.js';

/** As `shownStatus`, without reading every provider's resources one by one. */
const providersByStatus = `
  select case when p.status = 'available' and (p.cordoned or coalesce(r.is_full, true)) then 'busy' else p.status end as status,
         count(*)::int as count
    from providers p left join (
      select provider_id,
             coalesce(sum(total - rented) filter (where kind = 'pods'), 0) = 0
               or (coalesce(bool_or(kind = 'gpu' and total > 0), false)
                   and coalesce(sum(total - rented) filter (where kind = 'gpu'), 0) = 0) as is_full
        from provider_resources group by provider_id
    ) r using (provider_id)
   group by 1`;

/** The site in figures. */
export interface Overview {
  /** Jobs that have not ended, by status. */
  jobs: Partial<Record<JobStatus, number>>;
  /** Providers by the status that is shown: a full or cordoned one is busy. */
  providers: Partial<Record<ProviderStatus, number>>;
  gpus: { total: number; rented: number };
  /** Base units that ended jobs cost, by when they were settled. */
  revenue: { today: string; days30: string };
  /** From the order to SSH, of the jobs that were ready within a day; absent without any. */
  timeToSshS?: { p50: number; p95: number };
}

export async function readOverview(db: Queryable): Promise<Overview> {
  const [jobs, providers, gpus, revenue, start] = await Promise.all([
    counts<JobStatus>(db, 'select status, count(*)::int as count from jobs where ended_at is null group by status'),
    counts<ProviderStatus>(db, providersByStatus),
    gpusOf(db),
    revenueOf(db),
    timeToSsh(db),
  ]);
  return { jobs, providers, gpus, revenue, ...(start === undefined ? {} : { timeToSshS: start }) };
}

async function counts<Status extends string>(db: Queryable, sql: string): Promise<Partial<Record<Status, number>>> {
  const { rows } = await db.query<{ status: Status; count: number }>(sql);
  return Object.fromEntries(rows.map(({ status, count }) => [status, count])) as Partial<Record<Status, number>>;
}

async function gpusOf(db: Queryable): Promise<Overview['gpus']> {
  const { rows } = await db.query<{ total: number; rented: number }>(
    `select coalesce(sum(r.total), 0)::int as total, coalesce(sum(r.rented), 0)::int as rented
       from provider_resources r join providers p using (provider_id)
      where r.kind = 'gpu' and p.joined_at is not null and p.status <> 'retired'`,
  );
  return rows[0]!;
}

async function revenueOf(db: Queryable): Promise<Overview['revenue']> {
  const { rows } = await db.query<{ today: string; days_30: string }>(
    `select coalesce(sum(spent) filter (where settled_at >= date_trunc('day', now() at time zone 'utc') at time zone 'utc'), 0)::text
              as today, coalesce(sum(spent), 0)::text as days_30
       from auth_charges where settled_at > now() - interval '30 days'`,
  );
  return { today: rows[0]!.today, days30: rows[0]!.days_30 };
}

async function timeToSsh(db: Queryable): Promise<Overview['timeToSshS']> {
  const { rows } = await db.query<{ times: number[] | null }>(
    `select percentile_cont(array[0.5, 0.95]) within group (order by extract(epoch from started_at - created_at)::float8)
              as times
       from jobs where created_at > now() - interval '1 day' and started_at is not null`,
  );
  const [p50, p95] = rows[0]?.times ?? [];
  return p50 === undefined || p95 === undefined ? undefined : { p50: rounded(p50), p95: rounded(p95) };
}

const rounded = (seconds: number) => Math.round(seconds * 10) / 10;
