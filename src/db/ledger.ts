import type { Queryable } from './pool.js';
import { prepared } from './prepared.js';

/** What belongs to whom: see the glossary. `reserved` and `customer` are of a wallet, as are `provider`s. */
export type AccountKind =
  | 'customer'
  | 'reserved'
  /** Of a wallet: what it may take out of the vault, while it has not. */
  | 'withdrawing'
  | 'provider'
  | 'unclaimed'
  | 'fees'
  /** What customers owed, and nobody will pay any more. */
  | 'bad_debt'
  | 'manual'
  /** Of providers: in a settlement that is not executed yet, and what the vault owes them. */
  | 'in_batch'
  | 'payable'
  /** What a vault on a chain holds for us. */
  | 'vault';

/** What was booked, as customers see it. */
export const entryKinds = [
  ...(['deposit', 'reserve', 'trim', 'settle', 'refund', 'claim', 'payout', 'adjust'] as const),
  ...(['withdraw_hold', 'withdraw_void', 'withdrawn'] as const),
];
export type WalletEntryKind = (typeof entryKinds)[number];
/** Settlements move what providers have. */
export type EntryKind = WalletEntryKind | 'batch' | 'batch_final' | 'batch_void';

export interface Line {
  kind: AccountKind;
  /** A wallet; of `unclaimed` the id of a provider, of the house's accounts ''. */
  owner: string;
  /** Base units that are added to the account. With 0 it is locked, and gets no line. */
  amount: bigint;
}

export interface Entry {
  /** Names the fact that is booked, so that it is booked once. */
  key: string;
  kind: EntryKind;
  jobId?: string;
  note?: Record<string, unknown>;
  lines: readonly Line[];
}

/**
 * Books an entry in the transaction that writes the fact itself. Its accounts stay locked until the commit: call it
 * after the statements that lock sessions, and before the one that tells the customer.
 *
 * @returns false when the key has been booked before with the same lines. With others it is an error of the database.
 */
export async function postEntry(tx: Queryable, { key, kind, jobId, note = {}, lines }: Entry): Promise<boolean> {
  const { rows } = await tx.query<{ posted: boolean }>(
    prepared('select ledger_post($1, $2, $3, $4, $5::text[], $6::text[], $7::numeric[]) as posted'),
    [
      ...[key, kind, jobId ?? null, JSON.stringify(note)],
      lines.map((line) => line.kind),
      lines.map((line) => line.owner),
      lines.map((line) => line.amount.toString()),
    ],
  );
  return rows[0]!.posted;
}

/** Locks an account and returns its balance; 0 of one that has had no booking. */
export async function lockAccount(tx: Queryable, kind: AccountKind, owner: string): Promise<bigint> {
  const { rows } = await tx.query<{ balance: string }>(
    'select balance::text from ledger_accounts where kind = $1 and owner = $2 for update',
    [kind, owner],
  );
  return BigInt(rows[0]?.balance ?? 0);
}

/** Locks accounts in the order in which every booking does, before several bookings of one transaction. */
export async function lockAccounts(tx: Queryable, accounts: readonly Pick<Line, 'kind' | 'owner'>[]): Promise<void> {
  await tx.query(
    `select from ledger_accounts a
      where (a.kind, a.owner) in (select * from unnest($1::text[], $2::text[]))
      order by case when a.kind = 'customer' then 0
                    when a.kind in ('fees', 'rounding', 'bad_debt', 'vault', 'manual') then 2 else 1 end, a.id
        for update`,
    [accounts.map(({ kind }) => kind), accounts.map(({ owner }) => owner)],
  );
}

/**
 * Lets an account owe what a booking is about to take from it. It is for what has happened outside, and cannot be
 * refused.
 *
 * @returns whether it has less than that.
 */
export async function allowToOwe(
  tx: Queryable,
  { kind, owner }: Pick<Line, 'kind' | 'owner'>,
  amount: bigint,
): Promise<boolean> {
  await tx.query('insert into ledger_accounts (kind, owner) values ($1, $2) on conflict (kind, owner) do nothing', [
    kind,
    owner,
  ]);
  const { rowCount } = await tx.query(
    prepared('update ledger_accounts set may_owe = true where kind = $1 and owner = $2 and balance < $3'),
    [kind, owner, amount.toString()],
  );
  return rowCount === 1;
}

/** Waits for whoever else books under the key, until the transaction ends. */
export async function lockEntryKey(tx: Queryable, key: string): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('entry ' || $1, 0))`, [key]);
}

/** An entry that was booked under a key, with the amounts of its lines. */
export async function findEntry(
  db: Queryable,
  key: string,
): Promise<{ kind: EntryKind; note: Record<string, unknown>; lines: Line[] } | undefined> {
  const { rows } = await db.query<{
    kind: EntryKind;
    note: Record<string, unknown>;
    account: AccountKind | null;
    owner: string;
    amount: string;
  }>(
    `select e.kind, e.note, a.kind as account, a.owner, l.amount::text
       from ledger_entries e
       left join ledger_lines l on l.entry_id = e.id left join ledger_accounts a on a.id = l.account_id
      where e.key = $1 order by a.id`,
    [key],
  );
  const first = rows[0];
  if (first === undefined) return undefined;
  return {
    kind: first.kind,
    note: first.note,
    lines: rows.flatMap(({ account, owner, amount }) =>
      account === null ? [] : [{ kind: account, owner, amount: BigInt(amount) }],
    ),
  };
}
