import { moneyInvariants, type MoneyDifference, type MoneyInvariant } from './money-invariants.js';
import type { Queryable } from './pool.js';

/** For each invariant that is violated, in how many rows. */
export type Differing = Partial<Record<MoneyInvariant, number>>;

export interface LedgerChecks {
  /** Entries up to this one have been compared. */
  seenEntry: number;
  checkedAt?: Date;
  /** When everything was compared last. */
  fullAt?: Date;
  differs: Differing;
}

export async function readLedgerChecks(db: Queryable): Promise<LedgerChecks> {
  const { rows } = await db.query<{
    seen_entry: number;
    checked_at: Date | null;
    full_at: Date | null;
    differs: Record<string, number>;
  }>('select seen_entry, checked_at, full_at, differs from ledger_checks');
  const row = rows[0];
  if (row === undefined) return { seenEntry: 0, differs: {} };
  return {
    seenEntry: row.seen_entry,
    ...(row.checked_at === null ? {} : { checkedAt: row.checked_at }),
    ...(row.full_at === null ? {} : { fullAt: row.full_at }),
    // A version before or after this may know other invariants.
    differs: Object.fromEntries(
      moneyInvariants.flatMap((name) => (row.differs[name] ? [[name, row.differs[name]]] : [])),
    ),
  };
}

/** Longer than any transaction lasts: an entry that is older than this has no older one that is still to be seen. */
const settledAfterS = 120;

/**
 * Writes down what a comparison found, and that it has seen the entries which are older than any open transaction. A
 * comparison of new entries only adds to what differs: it cannot see that something has been put right.
 */
export async function recordLedgerChecks(
  db: Queryable,
  { found, isFull, nowDiffers }: { found: readonly MoneyDifference[]; isFull: boolean; nowDiffers: Differing },
): Promise<Differing> {
  const differs: Differing = isFull ? {} : { ...nowDiffers };
  for (const { invariant, count } of found) differs[invariant] = Math.max(count, differs[invariant] ?? 0);
  await db.query(
    `update ledger_checks
        set seen_entry = coalesce((select max(id) from ledger_entries
                                    where id > seen_entry and at < now() - make_interval(secs => $3)), seen_entry),
            checked_at = now(), full_at = case when $2 then now() else full_at end, differs = $1`,
    [JSON.stringify(differs), isFull, settledAfterS],
  );
  return differs;
}
