import { moneyInvariants, type MoneyDifference, type MoneyInvariant } from './money-invariants.js';
import type { Queryable } from './pool.js';

/** For each invariant that is violated, in how many rows. */
type Differing = Partial<Record<MoneyInvariant, number>>;

/** When an invariant was compared over everything. */
interface FullComparison {
  invariant: MoneyInvariant;
  triedAt?: Date;
  comparedAt?: Date;
  /** It cannot be compared since then. */
  failing?: { since: Date; why: string };
}

export interface LedgerChecks {
  /** Entries up to this one have been compared. */
  seenEntry: number;
  /** When new entries were compared last, by every invariant that they can be compared by. */
  checkedAt?: Date;
  differs: Differing;
  /** Of every invariant. */
  full: FullComparison[];
}

export async function readLedgerChecks(db: Queryable): Promise<LedgerChecks> {
  const { rows } = await db.query<{ seen_entry: number; checked_at: Date | null; differs: Record<string, number> }>(
    'select seen_entry, checked_at, differs from ledger_checks',
  );
  const row = rows[0];
  return {
    seenEntry: row?.seen_entry ?? 0,
    ...(row === undefined || row.checked_at === null ? {} : { checkedAt: row.checked_at }),
    // A version before or after this may know other invariants.
    differs: Object.fromEntries(
      moneyInvariants.flatMap((name) => (row?.differs[name] ? [[name, row.differs[name]]] : [])),
    ),
    full: await readFull(db),
  };
}

async function readFull(db: Queryable): Promise<FullComparison[]> {
  const { rows } = await db.query<{
    invariant: string;
    tried_at: Date;
    compared_at: Date | null;
    failing_since: Date | null;
    why: string | null;
  }>('select invariant, tried_at, compared_at, failing_since, why from ledger_comparisons');
  return moneyInvariants.map((invariant) => {
    const row = rows.find((each) => each.invariant === invariant);
    if (row === undefined) return { invariant };
    return {
      ...{ invariant, triedAt: row.tried_at },
      ...(row.compared_at === null ? {} : { comparedAt: row.compared_at }),
      ...(row.failing_since === null ? {} : { failing: { since: row.failing_since, why: row.why ?? '' } }),
    };
  });
}

/** Longer than any transaction lasts: an entry that is older than this has no older one that is still to be seen. */
const settledAfterS = 120;

/** An invariant that cannot be compared keeps no more new entries than this waiting for another try. */
const mostKept = 100_000;

/**
 * Writes down what a comparison of new entries found, which only adds to what differs: it cannot see that something has
 * been put right. If it was whole, it has seen the entries which are older than any open transaction. Otherwise they are
 * looked at again, but for so many that this would become slow for all: the comparison over everything has those.
 */
export async function recordNewCompared(
  db: Queryable,
  { found, isWhole }: { found: readonly MoneyDifference[]; isWhole: boolean },
): Promise<void> {
  const counts = Object.fromEntries(found.map(({ invariant, count }) => [invariant, count]));
  await db.query(
    `update ledger_checks
        set differs = differs || (select coalesce(jsonb_object_agg(key, greatest(value::int, (differs ->> key)::int)), '{}')
                                    from jsonb_each_text($1::jsonb)),
            seen_entry = greatest(seen_entry, (select max(id) from ledger_entries
                                                where id > seen_entry and at < now() - make_interval(secs => $3))
                                              - case when $2 then 0 else $4::bigint end),
            checked_at = case when $2 then now() else checked_at end`,
    [JSON.stringify(counts), isWhole, settledAfterS, mostKept],
  );
}

/** Remembers that an invariant is tried over everything, in case that nothing is heard of it any more. */
export async function recordFullTried(db: Queryable, invariant: MoneyInvariant): Promise<void> {
  await db.query(
    `insert into ledger_comparisons (invariant, tried_at) values ($1, now())
     on conflict (invariant) do update set tried_at = excluded.tried_at`,
    [invariant],
  );
}

/** Writes down what a comparison over everything found, which replaces what was known. */
export async function recordFullCompared(db: Queryable, { invariant, count }: MoneyDifference): Promise<void> {
  await db.query(
    `with compared as (
       update ledger_comparisons set compared_at = now(), failing_since = null, why = null where invariant = $1
     )
     update ledger_checks
        set full_at = now(), differs = case when $2 > 0 then differs || jsonb_build_object($1::text, $2::int) else differs - $1 end`,
    [invariant, count],
  );
}

/** Writes down that an invariant could not be compared over everything. */
export async function recordFullFailed(db: Queryable, invariant: MoneyInvariant, why: string): Promise<void> {
  await db.query(
    `update ledger_comparisons set failing_since = coalesce(failing_since, now()), why = $2 where invariant = $1`,
    [invariant, why],
  );
}
