import type { Pool } from 'pg';
import { withTransaction, type Queryable } from './pool.js';
import { prepared } from './prepared.js';

/** A span of time in which a key signs receipts. */
export interface ReceiptKey {
  address: string;
  from: Date;
  /** Not included; absent for the key that signs now. */
  until?: Date;
}

/** All keys that ever signed, oldest first. */
export async function receiptKeys(db: Queryable): Promise<ReceiptKey[]> {
  const { rows } = await db.query<{ address: string; valid_from: Date; valid_until: Date | null }>(
    'select address, valid_from, valid_until from receipt_keys order by id',
  );
  return rows.map(({ address, valid_from, valid_until }) => ({
    address,
    from: valid_from,
    ...(valid_until === null ? {} : { until: valid_until }),
  }));
}

/**
 * Makes a key the one that signs from now on, by the clock of the database; the one before it ends at the same moment.
 *
 * @returns whether it was another one.
 */
export async function publishReceiptKey(pool: Pool, address: string): Promise<boolean> {
  return await withTransaction(pool, async (tx) => {
    await tx.query(`select pg_advisory_xact_lock(hashtextextended('receipt keys', 0))`);
    // Waits for signers that use the present key: whatever it signed by then was issued before its end.
    const { rows } = await tx.query<{ address: string }>(
      'select address from receipt_keys where valid_until is null for update',
    );
    if (rows[0]?.address === address) return false;
    // The end is not included: it lies after all that it signed, issued in this millisecond or by a clock that was ahead.
    await tx.query(
      `update receipt_keys k
          set valid_until = interval '1 millisecond' + greatest(clock_timestamp(), valid_from, (
                select issued_at from receipts r
                 where issued_at >= k.valid_from
                   and exists (select from receipt_signatures s where s.digest = r.digest and s.signer = k.address)
                 order by issued_at desc limit 1))::timestamptz(3)
        where valid_until is null`,
    );
    await tx.query(
      `insert into receipt_keys (address, valid_from)
       values ($1, coalesce((select max(valid_until) from receipt_keys), clock_timestamp()))`,
      [address],
    );
    return true;
  });
}

/**
 * Lets the present key sign what was issued before it, and was not signed: for lack of a key, or because the key of that
 * time is gone.
 */
export async function reachBack(db: Queryable, address: string): Promise<void> {
  await db.query(
    prepared(`update receipt_keys k set valid_from = p.first
       from (select min(issued_at) as first from receipts_to_sign) p
      where k.valid_until is null and k.address = $1 and p.first < k.valid_from`),
    [address],
  );
}

/**
 * Whether a key has to be published although it was before: none is, or those who have the present one are gone, for
 * receipts have waited for them, and the present key is not new.
 */
export async function hasNoSigner(db: Queryable, address: string, afterS: number): Promise<boolean> {
  const { rows } = await db.query<{ none: boolean }>(
    prepared(`select coalesce((
       select k.address <> $1
              and exists (select from receipts_to_sign where tried_at is null and issued_at < b.at)
              and not exists (select from receipt_keys where valid_until > b.at)
         from receipt_keys k, (select clock_timestamp() - make_interval(secs => $2) as at) b
        where k.valid_until is null), true) as none`),
    [address, afterS],
  );
  return rows[0]!.none;
}
