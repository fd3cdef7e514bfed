import type { Pool } from 'pg';
import { chainInvariants, type Invariant } from './chain-invariants.js';
import { withTransaction, type Queryable } from './pool.js';
import { unbookedSql } from './unbooked.js';

// What must hold of money at every moment. Each is a query for what violates it, as one text a row: empty in a healthy
// database. Each reads one snapshot, so that what happens meanwhile makes nothing differ.

/** A line of an account that is the wallet's own, on either side of its reservations. */
const own = `a.kind in ('customer', 'reserved')`;

const invariants = {
  I1: {
    says: 'the lines of an entry sum to 0',
    isIncremental: true,
    sql: `select 'entry ' || e.key as what from ledger_lines l join ledger_entries e on e.id = l.entry_id
           where l.entry_id > $1 group by e.id having sum(l.amount) <> 0`,
  },
  I2: {
    says: 'a balance is the sum of its lines, and what a wallet was charged in a month is the sum of its charges',
    isIncremental: false,
    sql: `select 'account ' || a.kind || ' ' || a.owner as what
            from ledger_accounts a
            left join (select account_id, sum(amount) as sum, count(*) as lines from ledger_lines group by 1) l
              on l.account_id = a.id
            left join lateral (select balance from ledger_lines where account_id = a.id
                                order by at desc, entry_id desc limit 1) last on true
           where $1::bigint >= 0 and (a.balance <> coalesce(l.sum, 0) or a.balance <> coalesce(last.balance, 0))
          union all
          select 'wallet ' || coalesce(m.wallet, l.wallet) || ' in ' || to_char(coalesce(m.month, l.month), 'YYYY-MM')
            from (select * from wallet_months where charged <> 0) m
            full join ledger_months l on l.wallet = m.wallet and l.month = m.month
           where m.charged is distinct from l.charged`,
  },
  I3: {
    says: 'what is reserved of a wallet is what its open charges reserve',
    isIncremental: false,
    sql: `select 'wallet ' || coalesce(a.owner, c.wallet) as what
            from (select owner, balance from ledger_accounts where kind = 'reserved') a
            full join (select s.wallet::text, sum(c.booked) as booked
                         from auth_charges c join auth_sessions s on s.id = c.session_id
                        where c.booked > 0 group by 1) c on c.wallet = a.owner
           where $1::bigint >= 0 and coalesce(a.balance, 0) <> coalesce(c.booked, 0)`,
  },
  I4: {
    says: 'a settled job costs its wallet what its charges say',
    isIncremental: true,
    sql: `select 'job ' || s.job_id as what
            from ledger_entries s
            cross join lateral (
              select coalesce(sum(l.amount), 0) as net
                from ledger_entries e join ledger_lines l on l.entry_id = e.id join ledger_accounts a on a.id = l.account_id
               where e.job_id = s.job_id and e.kind in ('reserve', 'trim', 'accrue', 'settle') and ${own}) m
            cross join lateral (
              select coalesce(sum(spent), 0) as spent, coalesce(bool_or(${unbookedSql('c')}), false) as is_unbooked
                from auth_charges c where c.job_id = s.job_id) c
           where s.kind = 'settle' and s.id > $1 and not c.is_unbooked and c.spent <> -m.net`,
  },
  I5: {
    says: 'a job that has ended holds no reservation',
    isIncremental: true,
    sql: `select distinct 'job ' || j.job_id as what
            from auth_charges c join jobs j on j.job_id = c.job_id
           where $1::bigint >= 0 and c.settled_at is null and j.ended_at is not null`,
  },
  I6: {
    says: 'what a session has reserved and spent is what its charges say',
    isIncremental: false,
    sql: `select 'session ' || s.id as what
            from auth_sessions s
            left join (select session_id, coalesce(sum(reserved) filter (where settled_at is null), 0) as reserved,
                              coalesce(sum(spent), 0) as spent
                         from auth_charges group by 1) c on c.session_id = s.id
           where $1::bigint >= 0
             and (s.reserved <> coalesce(c.reserved, 0) or s.spent <> coalesce(c.spent, 0))`,
  },
  I7: {
    says: 'a receipt has the figures of what was booked, and each refund of a job with a receipt has one',
    isIncremental: true,
    sql: `with looked as (
            select distinct job_id from ledger_entries where id > $1 and kind in ('settle', 'refund')
          )
          select 'receipt ' || r.number || ' of ' || r.customer as what
            from looked join receipts r on r.job_id = looked.job_id
            cross join lateral (
              select coalesce(-sum(l.amount) filter (where ${own}), 0) as charged,
                     coalesce(sum(l.amount) filter (where a.kind = 'fees'), 0) as fee,
                     coalesce(sum(l.amount) filter (where a.kind in ('provider', 'unclaimed')), 0) as earned
                from ledger_entries e join ledger_lines l on l.entry_id = e.id join ledger_accounts a on a.id = l.account_id
               where e.job_id = r.job_id
                 and (e.kind in ('settle', 'accrue')
                      or e.kind = 'refund' and split_part(e.key, '/', 3)::integer <= r.revision)) m
           where (r.message ->> 'charged')::numeric <> m.charged or (r.message ->> 'fee')::numeric <> m.fee
              or (r.message ->> 'earned')::numeric <> m.earned
          union all
          select 'refund ' || e.key
            from ledger_entries e
           where e.kind = 'refund' and e.id > $1
             and exists (select from receipts r where r.job_id = e.job_id)
             and not exists (select from receipts r
                              where r.job_id = e.job_id and r.revision = split_part(e.key, '/', 3)::integer)
          union all
          select 'receipt ' || r.number || ' of ' || r.customer
            from receipts r
           where $1 = 0 and not exists (select from ledger_entries e where e.key = 'settle/' || r.job_id)`,
  },
  I8: {
    says: 'the receipts of a wallet are numbered without a hole, each naming the one before it',
    isIncremental: false,
    sql: `select 'receipt ' || r.number || ' of ' || r.customer as what
            from receipts r
            left join receipts before on before.customer = r.customer and before.number = r.number - 1
           where $1::bigint >= 0
             and r.previous is distinct from case when r.number = 1 then decode(repeat('00', 32), 'hex') else before.digest end`,
  },
  I9: {
    says: 'no job costs more than it had reserved',
    isIncremental: true,
    sql: `select 'job ' || e.job_id as what
            from ledger_entries e join ledger_lines l on l.entry_id = e.id join ledger_accounts a on a.id = l.account_id
           where e.kind = 'settle' and e.id > $1
           group by e.id, e.job_id
          having coalesce(sum(l.amount) filter (where not ${own}), 0)
                   > -coalesce(sum(l.amount) filter (where a.kind = 'reserved'), 0)`,
  },
  ...chainInvariants,
} as const satisfies Record<string, Invariant>;

export type MoneyInvariant = keyof typeof invariants;
export const moneyInvariants = Object.keys(invariants) as MoneyInvariant[];

/** What each invariant says, in words. */
export const moneyInvariantSays = (invariant: MoneyInvariant): string => invariants[invariant].says;

export interface MoneyDifference {
  invariant: MoneyInvariant;
  count: number;
  /** The first few of them, in words. */
  examples: string[];
}

/** What is compared: entries after one of them, or everything. */
export type Since = { afterEntry: number } | 'everything';

/** The invariants that new entries can be compared by. The others are compared over everything alone. */
export const incrementalInvariants = moneyInvariants.filter((name) => invariants[name].isIncremental);

/** Compares by one invariant, in a transaction of its own and for as long as that may take. */
export async function compareInvariant(
  pool: Pool,
  invariant: MoneyInvariant,
  since: Since,
  timeoutMs: number,
): Promise<MoneyDifference> {
  return await withTransaction(pool, async (tx) => {
    await tx.query(`select set_config('statement_timeout', $1, true)`, [String(timeoutMs)]);
    return await differenceOf(tx, invariant, since, timeoutMs + answerMs);
  });
}

/** How much later than the server's own limit the client gives up. */
const answerMs = 5_000;

async function differenceOf(
  db: Queryable,
  invariant: MoneyInvariant,
  since: Since,
  queryTimeoutMs?: number,
): Promise<MoneyDifference> {
  const statement = {
    text: `select count(*)::int as count, (array_agg(what order by what))[1:5] as examples
             from (${invariants[invariant].sql}) differing`,
    values: [since === 'everything' ? 0 : since.afterEntry],
    // Instead of the limit of the pool.
    ...(queryTimeoutMs === undefined ? {} : { query_timeout: queryTimeoutMs }),
  };
  const { rows } = await db.query<{ count: number; examples: string[] | null }>(statement);
  const { count, examples } = rows[0]!;
  return { invariant, count, examples: examples ?? [] };
}

/**
 * Compares by all invariants, one after the other.
 *
 * @returns the invariants that are violated; none in a healthy database.
 */
export async function differingMoney(db: Queryable, since: Since): Promise<MoneyDifference[]> {
  const differences: MoneyDifference[] = [];
  for (const invariant of since === 'everything' ? moneyInvariants : incrementalInvariants) {
    const difference = await differenceOf(db, invariant, since);
    if (difference.count > 0) differences.push(difference);
  }
  return differences;
}

/** Jobs that have ended and still hold a reservation: what I5 finds, for the repair. */
export async function unsettledEndedJobs(db: Queryable, limit: number): Promise<{ jobId: string; endedAt: Date }[]> {
  const { rows } = await db.query<{ job_id: string; ended_at: Date }>(
    `select distinct j.job_id, coalesce(j.served_until, j.ended_at) as ended_at
       from auth_charges c join jobs j on j.job_id = c.job_id
      where c.settled_at is null and j.ended_at is not null order by j.job_id limit $1`,
    [limit],
  );
  return rows.map(({ job_id, ended_at }) => ({ jobId: job_id, endedAt: ended_at }));
}
