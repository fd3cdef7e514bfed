import { decodeCursor, encodeCursor } from './cursor.js';
import type { WalletEntryKind } from './ledger.js';
import type { Queryable } from './pool.js';

// What a wallet has, and what became of it. A wallet's money stands in three accounts: what is free, what is reserved for
// its jobs, and what is held to be taken out of the vault; all together change when it is charged, refunded or pays, or takes
// something out. Amounts are base units.

export interface WalletBalance {
  /** Paid in advance or refunded, and not reserved. */
  available: bigint;
  /** Held for jobs that have not ended. */
  reserved: bigint;
  /** Held to be taken out of the vault. */
  withdrawing: bigint;
  /** Charged, and not paid for. */
  owed: bigint;
  /** Absent for a wallet without a booking. */
  updatedAt?: Date;
}

export async function walletBalance(db: Queryable, wallet: string): Promise<WalletBalance> {
  const { rows } = await db.query<{ free: string; reserved: string; withdrawing: string; updated_at: Date | null }>(
    `select coalesce(sum(balance) filter (where kind = 'customer'), 0)::text as free,
            coalesce(sum(balance) filter (where kind = 'reserved'), 0)::text as reserved,
            coalesce(sum(balance) filter (where kind = 'withdrawing'), 0)::text as withdrawing,
            max(changed_at) filter (where changed_at > '-infinity') as updated_at
       from ledger_accounts where kind in ('customer', 'reserved', 'withdrawing') and owner = $1`,
    [wallet],
  );
  const { free, reserved, withdrawing, updated_at: updatedAt } = rows[0]!;
  const all = BigInt(free) + BigInt(reserved) + BigInt(withdrawing);
  return {
    available: positive(BigInt(free)),
    reserved: BigInt(reserved),
    withdrawing: BigInt(withdrawing),
    owed: positive(-all),
    ...(updatedAt === null ? {} : { updatedAt }),
  };
}

const positive = (amount: bigint) => (amount > 0n ? amount : 0n);

export interface WalletEntry {
  id: string;
  kind: WalletEntryKind;
  /** What it changed of all that the wallet has; 0 where it only reserved something or gave it back. */
  amount: bigint;
  /** What it changed of what is reserved. */
  reserved: bigint;
  /** All that the wallet has after it; negative: what it owes. */
  balanceAfter: bigint;
  at: Date;
  jobId?: string;
  /** Of a refund or a payment by hand. */
  reason?: string;
  /** When its job was settled, if it was booked later. */
  settledAt?: Date;
}

interface EntryRow {
  id: string;
  kind: WalletEntryKind;
  amount: string;
  reserved: string;
  balance_after: string;
  at: Date;
  job_id: string | null;
  note: Record<string, unknown>;
}

const isEntryId = (part: string) => /^\d{1,18}$/.test(part);

/**
 * A wallet's entries, newest first.
 *
 * @param range includes `from` and excludes `to`.
 * @throws BrokerError `validation_failed` for a cursor that is not of this list.
 */
export async function walletEntries(
  db: Queryable,
  wallet: string,
  { limit, cursor, from, to }: { limit: number; cursor?: string | undefined; from?: Date; to?: Date },
): Promise<{ entries: WalletEntry[]; nextCursor?: string }> {
  const [after] = cursor === undefined ? [] : decodeCursor(cursor, isEntryId);
  const { rows } = await db.query<EntryRow>(
    // Times of an account's lines never go back, so they are in the order of their entries.
    `with mine as materialized (
       select id, kind from ledger_accounts where kind in ('customer', 'reserved', 'withdrawing') and owner = $1
     ), known as (select at, id from ledger_entries where id = $3::bigint
     ), page as materialized (
       select l.at, l.entry_id, sum(l.amount) as amount,
              coalesce(sum(l.amount) filter (where mine.kind = 'reserved'), 0) as reserved
         from mine cross join lateral (
           select l.at, l.entry_id, l.amount from ledger_lines l
            where l.account_id = mine.id
              and ($3::bigint is null or (l.at, l.entry_id) < (select at, id from known))
              and ($4::timestamptz is null or l.at >= $4) and ($5::timestamptz is null or l.at < $5)
            order by l.at desc, l.entry_id desc limit $2) l
        group by 1, 2 order by 1 desc, 2 desc limit $2
     ), start as (
       select coalesce(sum(last.balance), 0) as balance
         from mine cross join lateral (
           select l.balance from ledger_lines l
            where l.account_id = mine.id
              and (l.at, l.entry_id) <= (select at, entry_id from page order by at desc, entry_id desc limit 1)
            order by l.at desc, l.entry_id desc limit 1) last
     )
     select e.id::text, e.kind, page.amount::text, page.reserved::text, e.at, e.job_id, e.note,
            (start.balance + page.amount
              - sum(page.amount) over (order by page.at desc, page.entry_id desc))::text as balance_after
       from page join ledger_entries e on e.id = page.entry_id cross join start
      order by page.at desc, page.entry_id desc`,
    [wallet, limit + 1, after ?? null, from ?? null, to ?? null],
  );
  const entries = rows.slice(0, limit).map(entryOf);
  return {
    entries,
    ...(rows.length > limit ? { nextCursor: encodeCursor(entries.at(-1)!.id) } : {}),
  };
}

function entryOf({ id, kind, amount, reserved, balance_after, at, job_id, note }: EntryRow): WalletEntry {
  const text = note['reason'] ?? note['reference'];
  const settledAt = note['settled_at'];
  return {
    ...{ id, kind, amount: BigInt(amount), reserved: BigInt(reserved), balanceAfter: BigInt(balance_after), at },
    ...(job_id === null ? {} : { jobId: job_id }),
    ...(typeof text === 'string' ? { reason: text } : {}),
    ...(typeof settledAt === 'string' ? { settledAt: new Date(settledAt) } : {}),
  };
}

/** What became of a wallet's money in a time. `opening + paid - charged + refunded - withdrawn + adjusted = closing`. */
export interface Statement {
  opening: bigint;
  paid: bigint;
  charged: bigint;
  refunded: bigint;
  /** What left the vault again. */
  withdrawn: bigint;
  /** Everything else. */
  adjusted: bigint;
  closing: bigint;
  /** How much of the closing balance is reserved. */
  reserved: bigint;
  /** Settlements. */
  jobs: number;
  entries: number;
}

/** @param to is not included. */
export async function walletStatement(db: Queryable, wallet: string, from: Date, to: Date): Promise<Statement> {
  const { rows } = await db.query<Record<keyof Statement, string>>(
    `with mine as materialized (
       select id, kind from ledger_accounts where kind in ('customer', 'reserved', 'withdrawing') and owner = $1
     ), ends as (
       select coalesce(sum(first.balance), 0) as opening, coalesce(sum(last.balance), 0) as closing,
              coalesce(sum(last.balance) filter (where mine.kind = 'reserved'), 0) as reserved
         from mine
         left join lateral (select l.balance from ledger_lines l where l.account_id = mine.id and l.at < $2
                             order by l.at desc, l.entry_id desc limit 1) first on true
         left join lateral (select l.balance from ledger_lines l where l.account_id = mine.id and l.at < $3
                             order by l.at desc, l.entry_id desc limit 1) last on true
     ), sums as (
       select coalesce(sum(l.amount) filter (where e.kind = 'deposit'), 0) as paid,
              coalesce(-sum(l.amount) filter (where e.kind in ('settle', 'accrue')), 0) as charged,
              coalesce(sum(l.amount) filter (where e.kind = 'refund'), 0) as refunded,
              coalesce(-sum(l.amount) filter (where e.kind = 'withdrawn'), 0) as withdrawn,
              coalesce(sum(l.amount) filter (where e.kind not in ('deposit', 'settle', 'accrue', 'refund', 'withdrawn')), 0)
                as adjusted,
              count(distinct e.id) filter (where e.kind = 'settle') as jobs, count(distinct e.id) as entries
         from mine join ledger_lines l on l.account_id = mine.id and l.at >= $2 and l.at < $3
         join ledger_entries e on e.id = l.entry_id
     )
     select opening::text, closing::text, reserved::text, paid::text, charged::text, refunded::text, withdrawn::text, adjusted::text,
            jobs::text, entries::text from ends cross join sums`,
    [wallet, from, to],
  );
  const { jobs, entries, ...amounts } = rows[0]!;
  return {
    ...{ opening: BigInt(amounts.opening), paid: BigInt(amounts.paid), charged: BigInt(amounts.charged) },
    ...{ refunded: BigInt(amounts.refunded), withdrawn: BigInt(amounts.withdrawn) },
    ...{ adjusted: BigInt(amounts.adjusted), closing: BigInt(amounts.closing) },
    ...{ reserved: BigInt(amounts.reserved), jobs: Number(jobs), entries: Number(entries) },
  };
}
