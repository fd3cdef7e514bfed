import { decodeCursor, encodeCursor } from './cursor.js';
import type { Queryable } from './pool.js';

/** What a provider's wallet was paid, as an operator wrote it down. */
export interface Payout {
  id: string;
  /** Base units. */
  amount: bigint;
  /** Where to look it up. */
  reference: string;
  at: Date;
}

/** The largest id that a cursor may name. */
const afterAll = '9'.repeat(18);
const isEntryId = (part: string) => /^\d{1,18}$/.test(part);

/**
 * The payouts of a wallet, newest first.
 *
 * @throws BrokerError `validation_failed` for a cursor that is not of this list.
 */
export async function listPayouts(
  db: Queryable,
  wallet: string,
  { limit, cursor }: { limit: number; cursor?: string | undefined },
): Promise<{ payouts: Payout[]; nextCursor?: string }> {
  const [before] = cursor === undefined ? [] : decodeCursor(cursor, isEntryId);
  const { rows } = await db.query<{ id: string; amount: string; reference: string | null; at: Date }>(
    `select e.id::text, (-l.amount)::text as amount, e.note ->> 'reference' as reference, e.at
       from ledger_entries e
       join ledger_accounts a on a.kind = 'provider' and a.owner = $1
       join ledger_lines l on l.entry_id = e.id and l.account_id = a.id
      where e.kind = 'payout' and e.note ->> 'wallet' = $1 and e.id < $2
      order by e.id desc limit $3`,
    [wallet, before ?? afterAll, limit + 1],
  );
  const payouts = rows
    .slice(0, limit)
    .map(({ id, amount, reference, at }) => ({ id, amount: BigInt(amount), reference: reference ?? '', at }));
  return { payouts, ...(rows.length > limit ? { nextCursor: encodeCursor(payouts.at(-1)!.id) } : {}) };
}

/** What is to be paid to a wallet. */
export interface Creditor {
  wallet: string;
  payable: bigint;
}

/** Whom the platform owes most: providers whose wallet is proven, with what they earned and were not paid. */
export async function readCreditors(db: Queryable, limit: number): Promise<Creditor[]> {
  const { rows } = await db.query<{ wallet: string; payable: string }>(
    `select owner as wallet, balance::text as payable from ledger_accounts
      where kind = 'provider' and balance > 0 order by balance desc, owner limit $1`,
    [limit],
  );
  return rows.map(({ wallet, payable }) => ({ wallet, payable: BigInt(payable) }));
}
