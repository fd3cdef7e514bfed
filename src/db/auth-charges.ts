import type { Queryable } from './pool.js';

/** What a job, or one extension of it, takes from a session's limit; `requestId` '' is the order itself. */
export interface Charge {
  jobId: string;
  requestId: string;
  sessionId: string;
  /** Base units. */
  amount: bigint;
}

/**
 * Writes a charge down and raises what its session has reserved, if the session lives and its limit reaches that far.
 * The condition is looked at again under the row lock of the session, so charges at the same time cannot pass the
 * limit together. On `refused` the charge's own row stands: the caller has to roll its transaction back.
 */
export async function insertCharge(
  tx: Queryable,
  { jobId, requestId, sessionId, amount }: Charge,
): Promise<'charged' | 'charged before' | 'refused'> {
  const { rows } = await tx.query<{ written: number; paid: number }>(
    `with charge as (
       insert into auth_charges (job_id, request_id, session_id, reserved)
       values ($1, $2, $3, $4)
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
    [jobId, requestId, sessionId, amount.toString()],
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

/** What a job's cost is worked out from; `undefined` for a job that is not in the table. */
export async function jobTariff(
  db: Queryable,
  jobId: string,
): Promise<{ pricePerHour?: number; startedAt?: Date } | undefined> {
  const { rows } = await db.query<{ price_per_hour: string | null; started_at: Date | null }>(
    'select price_per_hour, started_at from jobs where job_id = $1',
    [jobId],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    ...(row.price_per_hour === null ? {} : { pricePerHour: Number(row.price_per_hour) }),
    ...(row.started_at === null ? {} : { startedAt: row.started_at }),
  };
}

/**
 * Settles what is not yet settled of a job: `cost` is taken from its charges, oldest first and from none more than it
 * reserved; the rest goes back to the sessions. Run again, it finds nothing to do.
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
     ), given_back as (
       update auth_sessions s
          set reserved = s.reserved - p.reserved, spent = s.spent + p.spent
         from per_session p
        where s.id = p.session_id
     )
     select count(*)::int as charges, coalesce(sum(spent), 0)::text as spent from settled`,
    [jobId, cost.toString()],
  );
  const { charges, spent } = rows[0]!;
  return { settled: charges > 0, spent: BigInt(spent) };
}
