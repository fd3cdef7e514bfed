import type { Queryable } from './pool.js';
import type { JobStatus } from '../wire/statuses.js';

/** What a job or one of its extensions takes from a session's limit; `requestId` is '' for the order itself. */
export interface Charge {
  jobId: string;
  requestId: string;
  sessionId: string;
  /** Base units. */
  amount: bigint;
  /** The seconds that an extension adds to the expiry; absent for the order. */
  seconds?: number;
}

/**
 * Inserts a charge and adds it to the session's reservation, if the session is alive and its limit covers it. The
 * condition is checked again under the session's row lock, so concurrent charges cannot exceed the limit together. On
 * `refused`, the charge's row has been inserted: the caller must roll back its transaction.
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

/** Locks and returns the charge of a job's order, which serializes a job's extensions and its settlement. */
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
 * Adjusts the reservation of a job's order to the price at its placement: a surplus is returned at once, and more is
 * reserved if the session's limit allows. `ordered` keeps the first reservation. Call it in the transaction that
 * places.
 *
 * @returns false when the session's limit is too low. A job without an open charge is not paid for.
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

/** What a job's bill and its extensions are based on. Times still to come are absent. */
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
    // Jobs placed by versions up to 0.1.0 have a price but no rate.
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

/** A charged extension; `seconds` is absent if a version up to 0.1.0 charged it. */
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
 * Settles a job's open charges: takes `cost` from them, oldest first and never more than a charge reserved, and returns
 * the rest to the sessions. Sessions are locked in the order of their ids, so two jobs with the same sessions wait for
 * each other instead of deadlocking. A second run finds nothing to do.
 *
 * @returns the amount spent by this call, and whether there was anything to settle.
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
