import type { Pool } from 'pg';
import type { ErrorCode } from '../domain/errors.js';
import { withTransaction, type Queryable } from './pool.js';
import { removeOld } from './pruning.js';

/** When a provider that fails starts is taken out of placement, and for how long. */
export interface FailurePolicy {
  /** Of so many different wallets a start must have failed. */
  PROVIDER_OUT_WALLETS: number;
  /** The first time lasts so long, each further one twice as long as the one before. */
  PROVIDER_OUT_S: number;
}

/** A start that failed by the doing of its provider alone. */
export interface ProviderFailure {
  jobId: string;
  /** Which placement of the job it was. */
  attempt: number;
  providerId: string;
  wallet: string;
  reason: ErrorCode;
}

/** What of a provider's row of starts says that it has failed nobody. */
const forgotten = `wallets = 0, times_out = 0, failed_at = null, out_until = null, out_reason = null,
                   counted_from = clock_timestamp()`;
/** No provider is out for longer than this before it is tried again. */
const longestOutS = 86_400;
/** What failed longer ago than this says nothing about a machine any more. */
const countedForS = 7 * 86_400;

/**
 * Notes that a provider failed a start, once for each placement of a job. When the failures are of enough different wallets,
 * it is out of placement for a while; it comes back by itself.
 *
 * At most half of the fleet is out at a time: where more would be, it is hardly the machines that are broken, but what all
 * of them need from the site. Those that stay keep their count, and come after the others.
 *
 * @returns until when it is out, where this failure was the one that took it out; `isNew` the first time that it is told.
 */
export async function recordFailure(
  pool: Pool,
  { jobId, attempt, providerId, wallet, reason }: ProviderFailure,
  policy: FailurePolicy,
): Promise<{ outUntil: Date; isNew: boolean } | undefined> {
  return await withTransaction(pool, async (tx) => {
    // Failures of one provider go one after the other: each counts those before it.
    await tx.query(
      `insert into provider_starts (provider_id) select provider_id from providers where provider_id = $1
       on conflict do nothing`,
      [providerId],
    );
    const { rows: before } = await tx.query<{ out_until: Date | null }>(
      `select case when out_until > clock_timestamp() then out_until end as out_until
         from provider_starts where provider_id = $1 for update`,
      [providerId],
    );
    if (before.length === 0) return undefined;
    const { rowCount } = await tx.query(
      `insert into provider_failures (job_id, attempt, provider_id, wallet, reason) values ($1, $2, $3, $4, $5)
       on conflict (job_id, attempt) do nothing`,
      [jobId, attempt, providerId, wallet, reason],
    );
    const outBefore = before[0]!.out_until;
    if (rowCount === 0) return outBefore === null ? undefined : { outUntil: outBefore, isNew: false };
    const { rows } = await tx.query<{ out_until: Date | null }>(
      `with counted as (
         select count(distinct f.wallet)::int as wallets from provider_failures f join provider_starts s using (provider_id)
          where f.provider_id = $1 and f.failed_at > s.counted_from
            and f.failed_at > clock_timestamp() - make_interval(secs => ${countedForS})
       ), fleet as (
         select count(*) as takes_jobs, count(*) filter (where s.out_until > clock_timestamp()) as is_out
           from providers p left join provider_starts s using (provider_id)
          where p.status = 'available' and not p.cordoned
       ), next as (
         select wallets, wallets >= $2 and is_out < greatest(1, takes_jobs / 2) as goes from counted, fleet
       ), known as (
         select case when failed_at > clock_timestamp() - make_interval(secs => ${countedForS}) then times_out else 0 end as times_out
           from provider_starts where provider_id = $1
       ), out as (
         select clock_timestamp() + make_interval(secs => least(${longestOutS}, $3::float8 * 2 ^ least(times_out, 30))) as out_until
           from known
       )
       update provider_starts s
          set failed_at = clock_timestamp(),
              wallets = case when next.goes then 0 else next.wallets end,
              -- Whatever of it is under way still and fails meanwhile is the same fault.
              counted_from = case when next.goes then out.out_until else s.counted_from end,
              times_out = known.times_out + next.goes::int,
              out_until = case when next.goes then out.out_until else s.out_until end,
              out_reason = case when next.goes then $4 else s.out_reason end
         from next, known, out
        where s.provider_id = $1
       returning case when next.goes then s.out_until end as out_until`,
      [providerId, policy.PROVIDER_OUT_WALLETS, policy.PROVIDER_OUT_S, reason],
    );
    const outUntil = rows[0]?.out_until ?? null;
    return outUntil === null ? undefined : { outUntil, isNew: true };
  });
}

/** Seconds for which the orders of a wallet go to other machines first. */
export const doubtedForS = 3_600;

/** Notes that a job of a wallet did not start at a provider, whoever was to blame. */
export async function recordDoubt(db: Queryable, wallet: string, providerId: string): Promise<void> {
  await db.query(
    `insert into provider_doubts (wallet, provider_id) select $1, provider_id from providers where provider_id = $2
     on conflict (wallet, provider_id) do update set failed_at = clock_timestamp()`,
    [wallet, providerId],
  );
}

/** Whether the orders of a wallet go to other machines first. */
export const isDoubtedSql = (provider: string, wallet: string): string =>
  `exists (select from provider_doubts doubt where doubt.provider_id = ${provider}.provider_id and doubt.wallet = ${wallet}
                  and doubt.failed_at > now() - make_interval(secs => ${doubtedForS}))`;

/** Forgets doubts from before `before`, some thousands at a time. @returns how many. */
export async function pruneDoubts(db: Queryable, before: Date): Promise<number> {
  return await removeOld(
    db,
    `delete from provider_doubts
      where (wallet, provider_id) in (select wallet, provider_id from provider_doubts where failed_at < $1
                                       order by failed_at limit $2)`,
    before,
  );
}

/** A job of a provider started: whatever it failed before is over. */
export async function recordStart(db: Queryable, jobId: string): Promise<void> {
  await db.query(
    `update provider_starts s
        set ${forgotten}
       from allocations a
      where a.job_id = $1 and a.released_at is null and s.provider_id = a.provider_id
        and (s.wallets > 0 or s.times_out > 0 or s.out_until is not null)`,
    [jobId],
  );
}

/** Until when a provider is out of placement, and for what; `undefined` when it is not. */
export async function findOut(
  db: Queryable,
  providerId: string,
): Promise<{ until: Date; reason?: string } | undefined> {
  const { rows } = await db.query<{ out_until: Date; out_reason: string | null }>(
    'select out_until, out_reason from provider_starts where provider_id = $1 and out_until > clock_timestamp()',
    [providerId],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return { until: row.out_until, ...(row.out_reason === null ? {} : { reason: row.out_reason }) };
}

/** Forgets what a provider failed, by order of an operator. @returns false for a provider that is not there. */
export async function forgive(db: Queryable, providerId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into provider_starts (provider_id, counted_from)
     select provider_id, clock_timestamp() from providers where provider_id = $1
     on conflict (provider_id) do update
        set ${forgotten}`,
    [providerId],
  );
  return (rowCount ?? 0) > 0;
}

/** Forgets failures from before `before`, some thousands at a time. @returns how many. */
export async function pruneFailures(db: Queryable, before: Date): Promise<number> {
  return await removeOld(
    db,
    `delete from provider_failures
      where (job_id, attempt) in (select job_id, attempt from provider_failures where failed_at < $1
                                   order by failed_at limit $2)`,
    before,
  );
}
