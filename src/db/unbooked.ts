import { backfilled, bookReservation, bookSettlement, moved } from './bookings.js';
import { jobTariff, lockOrderCharge, type SettledCharge } from './auth-charges.js';
import { postEntry } from './ledger.js';
import type { Queryable } from './pool.js';

/** The condition of the index `auth_charges_unbooked`: the ledger holds something else for the charge than it should. */
export const unbookedSql = (charge: string) =>
  `${charge}.booked is distinct from case when ${charge}.settled_at is null then ${charge}.reserved else 0 end`;

/** Jobs with charges that a version without this ledger wrote or changed, oldest first. */
export async function unbookedJobs(db: Queryable, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ job_id: string }>(
    `select job_id from auth_charges c where ${unbookedSql('c')} order by created_at limit $1`,
    [limit],
  );
  return [...new Set(rows.map(({ job_id }) => job_id))];
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
    if (booked === undefined) await bookReservation(tx, { jobId, requestId, wallet, amount: reserved }, backfilled);
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

/** A placement by an older version: which one it was is not known any more, so its key counts entries of the job. */
async function bookLateChange(tx: Queryable, jobId: string, wallet: string, change: bigint): Promise<void> {
  const { rows } = await tx.query<{ entries: number }>(
    'select count(*)::int as entries from ledger_entries where job_id = $1',
    [jobId],
  );
  const key = `trim/${jobId}/late/${rows[0]!.entries}`;
  await postEntry(tx, { key, kind: 'trim', jobId, note: backfilled, lines: moved(wallet, change) });
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
