import type { JobStatus } from '../domain/job.js';
import type { Queryable } from './pool.js';

/** What a job, or one extension of it, takes from a session's limit; `requestId` '' is the order itself. */
export interface Charge {
  jobId: string;
  requestId: string;
  sessionId: string;
  /** Base units. */
  amount: bigint;
  /** What an extension adds to the expiry; absent for the order. */
  seconds?: number;
}

/**
 * Writes a charge down and raises what its session has reserved, if the session lives and its limit reaches that far.
 * The condition is looked at again under the row lock of the session, so charges at the same time cannot pass the
 * limit together. On `refused` the charge's own row stands: the caller has to roll its transaction back.
 */
export async function insertCharge(
  tx: Queryable,
  { jobId, requestId, sessionId, amount, seconds }: Charge,
): Promise<'charged' | 'charged before' | 'refused'> {
  const { rows } = await tx.query<{ written: number; paid: number }>(
    `with charge as (
       insert into auth_charges (job_id, request_id, session_id, reserved, ordered, seconds)
       values ($1, $2, $3, $4, $4, $5)
       on conflict (job_id, request_id) do nothing
       returning session_id, reserved
     ), paid as (
       update auth_sessions s
          set reserved = s.reserved + charge.reserved
         from charge
        where s.id = charge.session_id
          and s.revoked_at is null
          and s.expires_at > now()
          and s.reserved + s.spent + charge.reserved <= s.spend_limit
       returning s.id
     )
     select (select count(*) from charge)::int as written, (select count(*) from paid)::int as paid`,
    [jobId, requestId, sessionId, amount.toString(), seconds ?? null],
  );
  const { written, paid } = rows[0]!;
  if (written === 0) return 'charged before';
  return paid === 1 ? 'charged' : 'refused';
}

/** The charge of a job's order, locked: extensions and the settlement of one job go one after the other. */
export async function lockOrderCharge(
  tx: Queryable,
  jobId: string,
): Promise<{ sessionId: string; settled: boolean } | undefined> {
  const { rows } = await tx.query<{ session_id: string; settled: boolean }>(
    `select session_id, settled_at is not null as settled
       from auth_charges where job_id = $1 and request_id = '' for update`,
    [jobId],
  );
  const row = rows[0];
  return row === undefined ? undefined : { sessionId: row.session_id, settled: row.settled };
}

/**
 * Sets what a job's order has reserved to what it costs where it is placed: less is given back at once, more is taken as
 * far as the session's limit reaches. `ordered` keeps what was reserved first. Call it in the transaction that places.
 *
 * @returns false when the session does not pay so much. A job without an open charge is not paid for.
 */
export async function reserveForPlacement(tx: Queryable, jobId: string, amount: bigint): Promise<boolean> {
  const { rows } = await tx.query<{ open: number; paid: number }>(
    `with charge as materialized (
       select session_id, reserved from auth_charges
        where job_id = $1 and request_id = '' and settled_at is null for update
     ), paid as (
       update auth_sessions s
          set reserved = s.reserved - charge.reserved + $2::numeric
         from charge
        where s.id = charge.session_id
          and ($2::numeric <= charge.reserved
               or (s.revoked_at is null and s.expires_at > now()
                   and s.reserved - charge.reserved + $2::numeric + s.spent <= s.spend_limit))
       returning s.id
     ), changed as (
       update auth_charges c set reserved = $2::numeric from paid where c.job_id = $1 and c.request_id = ''
     ), shown as (
       update jobs set reserved_amount = $2::numeric from paid where job_id = $1
     )
     select (select count(*) from charge)::int as open, (select count(*) from paid)::int as paid`,
    [jobId, amount.toString()],
  );
  const { open, paid } = rows[0]!;
  return open === paid;
}

/** What a job's bill and its extensions go by. Times that have not come yet are absent. */
export interface JobTariff {
  status: JobStatus;
  /** Base units per hour of the whole job; absent until it is placed. */
  rate?: bigint;
  startedAt?: Date;
  expiresAt?: Date;
}

/** @returns undefined for a job that is not in the table. */
export async function jobTariff(db: Queryable, jobId: string): Promise<JobTariff | undefined> {
  const { rows } = await db.query<{
    status: JobStatus;
    rate: string | null;
    started_at: Date | null;
    expires_at: Date | null;
  }>(
    // Jobs that were placed by versions up to 0.1.0 have a price and no rate.
    `select status, coalesce(rate, trunc(price_per_hour * 10::numeric ^ 18))::numeric(78, 0)::text as rate, started_at, expires_at
       from jobs where job_id = $1`,
    [jobId],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    status: row.status,
    ...(row.rate === null ? {} : { rate: BigInt(row.rate) }),
    ...(row.started_at === null ? {} : { startedAt: row.started_at }),
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
  };
}

/** An extension that was charged; `seconds` is absent where a version up to 0.1.0 charged it. */
export async function findExtension(
  db: Queryable,
  jobId: string,
  requestId: string,
): Promise<{ seconds?: number } | undefined> {
  const { rows } = await db.query<{ seconds: number | null }>(
    `select seconds from auth_charges where job_id = $1 and request_id = $2 and request_id <> ''`,
    [jobId, requestId],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return row.seconds === null ? {} : { seconds: row.seconds };
}

export async function countExtensions(db: Queryable, jobId: string): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select count(*)::int as count from auth_charges where job_id = $1 and request_id <> ''`,
    [jobId],
  );
  return rows[0]!.count;
}

/**
 * Settles what is not yet settled of a job: `cost` is taken from its charges, oldest first and from none more than it
 * reserved; the rest goes back to the sessions, which are locked in the order of their ids: two jobs with the same
 * sessions wait for each other instead of deadlocking. Run again, it finds nothing to do.
 *
 * @returns what was spent by this call, and whether there was anything to settle.
 */
export async function settleCharges(
  tx: Queryable,
  jobId: string,
  cost: bigint,
): Promise<{ settled: boolean; spent: bigint }> {
  const { rows } = await tx.query<{ charges: number; spent: string }>(
    `with due as (
       select request_id,
              coalesce(sum(reserved) over (
                order by created_at, request_id rows between unbounded preceding and 1 preceding
              ), 0) as before
         from auth_charges
        where job_id = $1
     ), settled as (
       update auth_charges c
          set spent = greatest(0, least(c.reserved, $2::numeric - due.before)), settled_at = clock_timestamp()
         from due
        where c.job_id = $1 and c.request_id = due.request_id and c.settled_at is null
       returning c.session_id, c.reserved, c.spent
     ), per_session as (
       select session_id, sum(reserved) as reserved, sum(spent) as spent from settled group by session_id
     ), locked as materialized (
       select id from auth_sessions where id in (select session_id from per_session) order by id for update
     ), given_back as (
       update auth_sessions s
          set reserved = s.reserved - p.reserved, spent = s.spent + p.spent
         from per_session p join locked on locked.id = p.session_id
        where s.id = p.session_id
     )
     select count(*)::int as charges, coalesce(sum(spent), 0)::text as spent from settled`,
    [jobId, cost.toString()],
  );
  const { charges, spent } = rows[0]!;
  return { settled: charges > 0, spent: BigInt(spent) };
}
