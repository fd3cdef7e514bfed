import type { Pool } from 'pg';
import { withTransaction, type Queryable } from './pool.js';
import { prepared } from './prepared.js';
import { removeOld } from './pruning.js';
import type { Printable } from '../domain/outside.js';
import type { ErrorCode } from '../wire/error-codes.js';

/** When a provider that fails starts is suspended from placement, and for how long. */
export interface FailurePolicy {
  /** How many different wallets must have had a failed start. */
  PROVIDER_OUT_WALLETS: number;
  /** Seconds of the first suspension; each further one lasts twice as long as the previous one. */
  PROVIDER_OUT_S: number;
}

/** A failed start that is the provider's fault alone. */
export interface ProviderFailure {
  jobId: string;
  /** The number of the job's placement. */
  attempt: number;
  providerId: string;
  wallet: string;
  reason: ErrorCode;
  /** What everybody reads of the provider instead of the reason, also in `why_not`: nothing of the job or its customer. */
  shown?: Printable | undefined;
}

/** The column values of a provider that has failed no starts. */
const forgotten = `wallets = 0, times_out = 0, failed_at = null, out_until = null, out_reason = null,
                   counted_from = clock_timestamp()`;
/** The longest suspension before a provider is tried again. */
const longestOutS = 86_400;
/** Older failures no longer say anything about a machine. */
const countedForS = 7 * 86_400;

/**
 * Records that a provider failed a start, once per placement of a job. Failures of enough different wallets suspend it
 * from placement for a while; it returns by itself.
 *
 * At most half of the fleet is suspended at a time. If more machines fail, the cause is hardly the machines but
 * something that all of them need from the site. Providers spared by this rule keep their count and rank behind the
 * others.
 *
 * @returns the end of the suspension, if this failure caused it; `isNew` is true on the first report.
 */
export async function recordFailure(
  pool: Pool,
  { jobId, attempt, providerId, wallet, reason, shown }: ProviderFailure,
  policy: FailurePolicy,
): Promise<{ outUntil: Date; isNew: boolean } | undefined> {
  return await withTransaction(pool, async (tx) => {
    // Serialize the failures of a provider, so that each one counts the earlier ones.
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
      [providerId, policy.PROVIDER_OUT_WALLETS, policy.PROVIDER_OUT_S, shown ?? reason],
    );
    const outUntil = rows[0]?.out_until ?? null;
    return outUntil === null ? undefined : { outUntil, isNew: true };
  });
}

/** Seconds for which a wallet's orders prefer other machines. */
export const doubtedForS = 3_600;

/** Records that a wallet's job did not start at a provider, whoever was to blame. */
export async function recordDoubt(db: Queryable, wallet: string, providerId: string): Promise<void> {
  await db.query(
    `insert into provider_doubts (wallet, provider_id) select $1, provider_id from providers where provider_id = $2
     on conflict (wallet, provider_id) do update set failed_at = clock_timestamp()`,
    [wallet, providerId],
  );
}

/** Whether a wallet's orders prefer other machines to this provider. */
export const isDoubtedSql = (provider: string, wallet: string): string =>
  `exists (select from provider_doubts doubt where doubt.provider_id = ${provider}.provider_id and doubt.wallet = ${wallet}
                  and doubt.failed_at > now() - make_interval(secs => ${doubtedForS}))`;

/** Deletes doubts recorded before `before`, some thousands at a time. @returns how many. */
export async function pruneDoubts(db: Queryable, before: Date): Promise<number> {
  return await removeOld(
    db,
    `delete from provider_doubts
      where (wallet, provider_id) in (select wallet, provider_id from provider_doubts where failed_at < $1
                                       order by failed_at limit $2)`,
    before,
  );
}

/** Records that a provider started a job, which clears its earlier failures. */
export async function recordStart(db: Queryable, jobId: string): Promise<void> {
  await db.query(
    prepared(`update provider_starts s
        set ${forgotten}
       from allocations a
      where a.job_id = $1 and a.released_at is null and s.provider_id = a.provider_id
        and (s.wallets > 0 or s.times_out > 0 or s.out_until is not null)`),
    [jobId],
  );
}

/** Until when and why a provider is suspended from placement; `undefined` when it is not. */
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

/** Clears a provider's failures on an operator's order. @returns false for an unknown provider. */
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

/** Deletes failures recorded before `before`, some thousands at a time. @returns how many. */
export async function pruneFailures(db: Queryable, before: Date): Promise<number> {
  return await removeOld(
    db,
    `delete from provider_failures
      where (job_id, attempt) in (select job_id, attempt from provider_failures where failed_at < $1
                                   order by failed_at limit $2)`,
    before,
  );
}
