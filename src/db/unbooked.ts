import { backfilled, backfillReservation, bookLateChange, bookSettlement } from './bookings.js';
import { jobTariff, lockOrderCharge, type SettledCharge } from './auth-charges.js';
import type { Queryable } from './pool.js';

/** The condition of the index `auth_charges_unbooked`: the ledger holds something else for the charge than it should. */
export const unbookedSql = (charge: string) =>
  `${charge}.booked is distinct from case when ${charge}.settled_at is null then ${charge}.reserved else 0 end`;

/** After so long a job that could not be booked is tried again; one that cannot be, only if nothing else waits. */
const triedAgainAfterS = 600;
/** A job with very many extensions does not make the list short. */
const chargesPerJob = 5;

/**
 * Jobs with charges that a version without this ledger wrote or changed, oldest first. Those that cannot be booked come
 * when no others wait, the longest untried first; one for which the database was busy comes again after a while.
 */
export async function unbookedJobs(db: Queryable, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ job_id: string }>(
    `select job_id from (
       select job_id, created_at from auth_charges c
        where ${unbookedSql('c')}
          and not exists (select from ledger_unbookable u
                           where u.job_id = c.job_id
                             and (u.for_good or u.tried_at > now() - make_interval(secs => $3)))
        order by created_at limit $2) waiting
      group by job_id order by min(created_at) limit $1`,
    [limit, limit * chargesPerJob, triedAgainAfterS],
  );
  if (rows.length > 0) return rows.map(({ job_id }) => job_id);
  const { rows: again } = await db.query<{ job_id: string }>(
    `select job_id from ledger_unbookable u
      where for_good and tried_at < now() - make_interval(secs => $2)
        and exists (select from auth_charges c where c.job_id = u.job_id and ${unbookedSql('c')})
      order by tried_at limit $1`,
    [limit, triedAgainAfterS],
  );
  return again.map(({ job_id }) => job_id);
}

/** A job whose charges cannot be booked. */
export interface Unbookable {
  jobId: string;
  reason: string;
  since: Date;
}

/**
 * Remembers why a job could not be booked, and that it was tried now.
 *
 * @param forGood false if the same may succeed later: such a job stands aside for a while, and is no unbookable one.
 */
export async function recordUnbookable(
  db: Queryable,
  jobId: string,
  { reason, forGood }: { reason: string; forGood: boolean },
): Promise<void> {
  await db.query(
    `insert into ledger_unbookable as u (job_id, reason, since, tried_at, for_good) values ($1, $2, now(), now(), $3)
     on conflict (job_id) do update
       set reason = case when u.for_good and not excluded.for_good then u.reason else excluded.reason end,
           since = case when excluded.for_good and not u.for_good then excluded.since else u.since end,
           tried_at = now(), for_good = u.for_good or excluded.for_good`,
    [jobId, reason, forGood],
  );
}

/** Forgets the failures of jobs that are booked by now, or gone. */
export async function forgetBooked(db: Queryable): Promise<void> {
  await db.query(
    `delete from ledger_unbookable u
      where not exists (select from auth_charges c where c.job_id = u.job_id and ${unbookedSql('c')})`,
  );
}

export async function countUnbookable(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    'select count(*)::int as count from ledger_unbookable where for_good',
  );
  return rows[0]!.count;
}

/** Jobs that cannot be booked, those that wait longest first. */
export async function listUnbookable(db: Queryable, limit: number): Promise<Unbookable[]> {
  const { rows } = await db.query<{ job_id: string; reason: string; since: Date }>(
    'select job_id, reason, since from ledger_unbookable where for_good order by since, job_id limit $1',
    [limit],
  );
  return rows.map(({ job_id, reason, since }) => ({ jobId: job_id, reason, since }));
}

/** How many charges wait to be booked, counted up to `most`. */
export async function countUnbooked(db: Queryable, most: number): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    `select count(*)::int as count from (select from auth_charges c where ${unbookedSql('c')} limit $1) c`,
    [most],
  );
  return rows[0]!.count;
}

/**
 * Books what the ledger does not know of a job's charges: what they reserved, how a placement changed that, and what the
 * job cost in the end. Whoever changes the charges waits meanwhile; repeated, it does nothing. Such an entry has the time
 * at which it is booked, and its note says when the job was settled.
 *
 * @returns whether there was anything to book.
 */
export async function bookCharges(tx: Queryable, jobId: string): Promise<boolean> {
  await lockOrderCharge(tx, jobId);
  const charges = await unbookedCharges(tx, jobId);
  if (charges.length === 0) return false;
  for (const charge of charges.filter(({ settledAt }) => settledAt === null)) {
    const { requestId, wallet, reserved, booked } = charge;
    if (booked === undefined) await backfillReservation(tx, { jobId, requestId, wallet, amount: reserved });
    else await bookLateChange(tx, jobId, wallet, reserved - booked);
  }
  const settled = charges.filter(({ settledAt }) => settledAt !== null);
  if (settled.length > 0) {
    const tariff = (await jobTariff(tx, jobId)) ?? { feeBps: 0 };
    const note = { ...backfilled, settled_at: settled[0]!.settledAt!.toISOString() };
    await bookSettlement(tx, jobId, settled, tariff, note);
  }
  await tx.query(
    `update auth_charges c set booked = case when settled_at is null then reserved else 0 end
      where job_id = $1 and ${unbookedSql('c')}`,
    [jobId],
  );
  return true;
}

async function unbookedCharges(tx: Queryable, jobId: string): Promise<(SettledCharge & { settledAt: Date | null })[]> {
  const { rows } = await tx.query<{
    request_id: string;
    wallet: string;
    reserved: string;
    spent: string;
    booked: string | null;
    settled_at: Date | null;
  }>(
    `select c.request_id, s.wallet, c.reserved::text, coalesce(c.spent, 0)::text as spent, c.booked::text, c.settled_at
       from auth_charges c join auth_sessions s on s.id = c.session_id
      where c.job_id = $1 and ${unbookedSql('c')} order by c.created_at, c.request_id for update of c`,
    [jobId],
  );
  return rows.map((row) => ({
    requestId: row.request_id,
    wallet: row.wallet,
    reserved: BigInt(row.reserved),
    spent: BigInt(row.spent),
    ...(row.booked === null ? {} : { booked: BigInt(row.booked) }),
    settledAt: row.settled_at,
  }));
}
