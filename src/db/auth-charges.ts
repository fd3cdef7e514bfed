import type { Queryable } from './pool.js';
import type { JobStatus } from '../wire/statuses.js';
import { prepared } from './prepared.js';

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
 * `refused`, the charge's row has been inserted: the caller must roll back its transaction. On `charged`, it has to
 * book the amount, which counts as booked.
 *
 * @returns what the session pays with, too, if it was charged.
 */
export async function insertCharge(
  tx: Queryable,
  { jobId, requestId, sessionId, amount, seconds }: Charge,
): Promise<{ outcome: 'charged' | 'charged before' | 'refused'; paid?: PaidBy }> {
  const { rows } = await tx.query<{ written: number } & (PaidRow | Record<keyof PaidRow, null>)>(
    prepared(`with charge as (
       insert into auth_charges (job_id, request_id, session_id, reserved, ordered, booked, seconds)
       values ($1, $2, $3, $4, $4, $4, $5)
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
       returning ${paidColumns}
     )
     select w.written, paid.* from (select count(*)::int as written from charge) w left join paid on true`),
    [jobId, requestId, sessionId, amount.toString(), seconds ?? null],
  );
  const { written, ...paid } = rows[0]!;
  if (written === 0) return { outcome: 'charged before' };
  return paid.wallet === null ? { outcome: 'refused' } : { outcome: 'charged', paid: paidBy(paid) };
}

/** Who pays for a charge: the wallet, and its session's limit with what is used of it now. Base units. */
export interface PaidBy {
  wallet: string;
  limit: bigint;
  used: bigint;
}

interface PaidRow {
  wallet: string;
  spend_limit: string;
  used: string;
}

const paidColumns = 's.wallet, s.spend_limit::text, (s.reserved + s.spent)::text as used';

const paidBy = ({ wallet, spend_limit, used }: PaidRow): PaidBy => ({
  ...{ wallet, limit: BigInt(spend_limit), used: BigInt(used) },
});

/** Locks and returns the charge of a job's order, which serializes a job's extensions and its settlement. */
export async function lockOrderCharge(
  tx: Queryable,
  jobId: string,
): Promise<{ sessionId: string; settled: boolean } | undefined> {
  const { rows } = await tx.query<{ session_id: string; settled: boolean }>(
    prepared(`select session_id, settled_at is not null as settled
       from auth_charges where job_id = $1 and request_id = '' for update`),
    [jobId],
  );
  const row = rows[0];
  return row === undefined ? undefined : { sessionId: row.session_id, settled: row.settled };
}

/** How a placement changed the reservation of a job's order. */
interface PlacedReservation extends PaidBy {
  /** What it was. */
  before: bigint;
  /** What the ledger held for it; absent if it knew nothing of it. */
  booked?: bigint;
}

/**
 * Adjusts the reservation of a job's order to the price at its placement: a surplus is returned at once, and more is
 * reserved if the session's limit allows. `ordered` keeps the first reservation. Call it in the transaction that
 * places, which has to book the change.
 *
 * @returns `refused` when the session's limit is too low. A job without an open charge is not paid for.
 */
export async function reserveForPlacement(
  tx: Queryable,
  jobId: string,
  amount: bigint,
): Promise<PlacedReservation | 'not paid for' | 'refused'> {
  // In a statement of its own: one that also changes the session was seen to use what it had read before the lock.
  const order = await lockOrderCharge(tx, jobId);
  if (order === undefined || order.settled) return 'not paid for';
  const { rows } = await tx.query<PaidRow & { before: string; booked: string | null }>(
    prepared(`with charge as materialized (
       select session_id, reserved, booked from auth_charges where job_id = $1 and request_id = ''
     ), paid as (
       update auth_sessions s
          set reserved = s.reserved - charge.reserved + $2::numeric
         from charge
        where s.id = charge.session_id
          and ($2::numeric <= charge.reserved
               or (s.revoked_at is null and s.expires_at > now()
                   and s.reserved - charge.reserved + $2::numeric + s.spent <= s.spend_limit))
       returning ${paidColumns}, charge.reserved::text as before, charge.booked::text
     ), changed as (
       update auth_charges c set reserved = $2::numeric, booked = $2::numeric
         from paid where c.job_id = $1 and c.request_id = ''
     ), shown as (
       update jobs set reserved_amount = $2::numeric from paid where job_id = $1
     )
     select * from paid`),
    [jobId, amount.toString()],
  );
  const paid = rows[0];
  if (paid === undefined) return 'refused';
  const { before, booked } = paid;
  return { ...paidBy(paid), before: BigInt(before), ...(booked === null ? {} : { booked: BigInt(booked) }) };
}

/** What a job's bill and its extensions are based on. Times still to come are absent. */
export interface JobTariff {
  status: JobStatus;
  /** Base units per hour of the whole job; absent until it is placed. */
  rate?: bigint;
  /** The platform's share of the charge; 0 of jobs that a version up to 0.1.0 placed. */
  feeBps: number;
  providerId?: string;
  /** The wallet that is proven to own the provider. */
  payee?: string;
  startedAt?: Date;
  expiresAt?: Date;
}

/** @returns undefined for a job that is not in the table. */
export async function jobTariff(db: Queryable, jobId: string): Promise<JobTariff | undefined> {
  const { rows } = await db.query<{
    status: JobStatus;
    rate: string | null;
    fee_bps: number;
    provider_id: string | null;
    payee: string | null;
    started_at: Date | null;
    expires_at: Date | null;
  }>(
    // Jobs placed by versions up to 0.1.0 have a price but no rate.
    prepared(`select j.status, coalesce(j.rate, trunc(j.price_per_hour * 10::numeric ^ 18))::numeric(78, 0)::text as rate,
            coalesce(j.fee_bps, 0) as fee_bps, j.provider_id, i.wallet as payee, j.started_at, j.expires_at
       from jobs j left join provider_identities i on i.provider_id = j.provider_id and i.signed_at is not null
      where j.job_id = $1`),
    [jobId],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    status: row.status,
    ...(row.rate === null ? {} : { rate: BigInt(row.rate) }),
    feeBps: row.fee_bps,
    ...(row.provider_id === null ? {} : { providerId: row.provider_id }),
    ...(row.payee === null ? {} : { payee: row.payee }),
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

/** One charge that was settled. Amounts are base units. */
export interface SettledCharge {
  requestId: string;
  wallet: string;
  reserved: bigint;
  spent: bigint;
  /** What the ledger held for it; absent if it knew nothing of it. */
  booked?: bigint;
}

/**
 * Settles a job's open charges: takes `cost` from them, oldest first and never more than a charge reserved, and returns
 * the rest to the sessions. Sessions are locked in the order of their ids, so two jobs with the same sessions wait for
 * each other instead of deadlocking. A second run finds nothing to do. The caller has to book what this returns.
 *
 * @returns the charges that this call settled, oldest first.
 */
export async function settleCharges(tx: Queryable, jobId: string, cost: bigint): Promise<SettledCharge[]> {
  const { rows } = await tx.query<{
    request_id: string;
    wallet: string;
    reserved: string;
    spent: string;
    booked: string | null;
  }>(
    prepared(`with due as (
       select request_id, booked,
              coalesce(sum(reserved) over (
                order by created_at, request_id rows between unbounded preceding and 1 preceding
              ), 0) as before
         from auth_charges
        where job_id = $1
     ), settled as (
       update auth_charges c
          set spent = greatest(0, least(c.reserved, $2::numeric - due.before)), settled_at = clock_timestamp(), booked = 0
         from due
        where c.job_id = $1 and c.request_id = due.request_id and c.settled_at is null
       returning c.request_id, c.session_id, c.created_at, c.reserved, c.spent, due.booked
     ), per_session as (
       select session_id, sum(reserved) as reserved, sum(spent) as spent from settled group by session_id
     ), locked as materialized (
       select id from auth_sessions where id in (select session_id from per_session) order by id for update
     ), given_back as (
       update auth_sessions s
          set reserved = s.reserved - p.reserved, spent = s.spent + p.spent
         from per_session p join locked on locked.id = p.session_id
        where s.id = p.session_id
       returning s.id, s.wallet
     )
     select c.request_id, g.wallet, c.reserved::text, c.spent::text, c.booked::text
       from settled c join given_back g on g.id = c.session_id order by c.created_at, c.request_id`),
    [jobId, cost.toString()],
  );
  return rows.map(({ request_id, wallet, reserved, spent, booked }) => ({
    requestId: request_id,
    wallet,
    reserved: BigInt(reserved),
    spent: BigInt(spent),
    ...(booked === null ? {} : { booked: BigInt(booked) }),
  }));
}
