import type { Queryable } from './pool.js';

export type RevenueBy = 'day' | 'provider' | 'gpu_type';

/** Base units, by when they were booked. */
export interface RevenueRow {
  /** A day of UTC, a provider's id or a GPU type. */
  key: string;
  jobs: number;
  charged: bigint;
  /** What the platform keeps, refunds taken off. */
  fees: bigint;
  refunded: bigint;
}

const keys: Record<RevenueBy, string> = {
  day: `to_char(e.at at time zone 'utc', 'YYYY-MM-DD')`,
  provider: `coalesce(j.provider_id, '')`,
  gpu_type: `coalesce(j.gpu_type, '')`,
};

/** @param range includes `from` and excludes `to`. At most `limit` rows; what they leave out is in no row. */
export async function readRevenue(
  db: Queryable,
  { by, from, to, limit }: { by: RevenueBy; from: Date; to: Date; limit: number },
): Promise<RevenueRow[]> {
  const { rows } = await db.query<{ key: string; jobs: number; charged: string; fees: string; refunded: string }>(
    `select ${keys[by]} as key, count(distinct e.id) filter (where e.kind = 'settle')::int as jobs,
            coalesce(sum(l.amount) filter (where e.kind = 'settle'), 0)::text as charged,
            coalesce(sum(l.amount) filter (where a.kind = 'fees'), 0)::text as fees,
            coalesce(-sum(l.amount) filter (where e.kind = 'refund'), 0)::text as refunded
       from ledger_entries e join ledger_lines l on l.entry_id = e.id
       join ledger_accounts a on a.id = l.account_id and a.kind in ('provider', 'unclaimed', 'fees')
       left join jobs j on j.job_id = e.job_id
      where e.kind in ('settle', 'refund') and e.at >= $1 and e.at < $2
      group by 1 order by ${by === 'day' ? '1 desc' : 'sum(l.amount) desc, 1'} limit $3`,
    [from, to, limit],
  );
  return rows.map(({ key, jobs, charged, fees, refunded }) => ({
    ...{ key, jobs, charged: BigInt(charged), fees: BigInt(fees), refunded: BigInt(refunded) },
  }));
}

/** What the platform owes, and what is owed to it, now. Base units, none negative. */
export interface Standing {
  owedToProviders: bigint;
  unclaimed: bigint;
  providersOwe: bigint;
  customersHold: bigint;
  customersOwe: bigint;
  badDebt: bigint;
  fees: bigint;
}

/** A wallet's own money: free and reserved together. */
const wallets = `
  select owner as wallet, sum(balance) as balance from ledger_accounts
   where kind in ('customer', 'reserved') group by owner`;

export async function readStanding(db: Queryable): Promise<Standing> {
  const { rows } = await db.query<Record<keyof Standing, string>>(
    `select coalesce(sum(balance) filter (where kind = 'provider' and balance > 0), 0)::text as "owedToProviders",
            coalesce(sum(balance) filter (where kind = 'unclaimed'), 0)::text as unclaimed,
            coalesce(-sum(balance) filter (where kind = 'provider' and balance < 0), 0)::text as "providersOwe",
            (select coalesce(sum(balance), 0) from (${wallets}) w where balance > 0)::text as "customersHold",
            (select coalesce(-sum(balance), 0) from (${wallets}) w where balance < 0)::text as "customersOwe",
            coalesce(-sum(balance) filter (where kind = 'bad_debt'), 0)::text as "badDebt",
            coalesce(sum(balance) filter (where kind = 'fees'), 0)::text as fees
       from ledger_accounts`,
  );
  const found = rows[0]!;
  return {
    owedToProviders: BigInt(found.owedToProviders),
    unclaimed: BigInt(found.unclaimed),
    providersOwe: BigInt(found.providersOwe),
    customersHold: BigInt(found.customersHold),
    customersOwe: BigInt(found.customersOwe),
    badDebt: BigInt(found.badDebt),
    fees: BigInt(found.fees),
  };
}

export interface Debtor {
  wallet: string;
  owed: bigint;
  /** When the oldest charge was booked that is not paid for: what a wallet pays counts for its oldest charges first. */
  since: Date;
}

/** How many of a wallet's charges are looked at; one that has more unpaid owes at least since the last of them. */
const chargesLookedAt = 1_000;

/** Who owes most. */
export async function readDebtors(db: Queryable, limit: number): Promise<Debtor[]> {
  const { rows } = await db.query<{ wallet: string; owed: string; since: Date }>(
    `with debtors as materialized (
       select wallet, -balance as owed from (${wallets}) w where balance < 0 order by balance, wallet limit $1
     )
     select d.wallet, d.owed::text, unpaid.since
       from debtors d
       cross join lateral (
         select coalesce(min(at), (select changed_at from ledger_accounts
                                    where kind = 'customer' and owner = d.wallet)) as since
           from (select c.at, sum(c.charge) over (order by c.at desc, c.entry_id desc) - c.charge as newer
                   from (select l.at, l.entry_id, -sum(own.amount) as charge
                           from ledger_accounts r
                           cross join lateral (select l.at, l.entry_id from ledger_lines l where l.account_id = r.id
                                                order by l.at desc, l.entry_id desc limit $2) l
                           join ledger_entries e on e.id = l.entry_id and e.kind = 'settle'
                           join ledger_lines own on own.entry_id = e.id
                           join ledger_accounts a on a.id = own.account_id and a.owner = d.wallet
                                                 and a.kind in ('customer', 'reserved')
                          where r.kind = 'reserved' and r.owner = d.wallet
                          group by l.at, l.entry_id having sum(own.amount) < 0) c) sums
          where newer < d.owed) unpaid
      order by d.owed desc, d.wallet`,
    [limit, chargesLookedAt],
  );
  return rows.map(({ wallet, owed, since }) => ({ wallet, owed: BigInt(owed), since }));
}
