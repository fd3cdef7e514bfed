import { BrokerError } from '../domain/errors.js';
import { isCrossed, type NearLimit } from '../domain/spend-limits.js';
import { lockAccount } from './ledger.js';
import { removeOld } from './pruning.js';
import type { Queryable, Transaction } from './pool.js';

/** What a wallet lets all of its sessions spend in a month of UTC, and what it has. Base units. */
export interface MonthlyCap {
  amount: bigint;
  /** What was settled this month, less what of it was refunded. */
  charged: bigint;
  /** What is reserved now for jobs that have not ended. */
  reserved: bigint;
  /** When the month turns. */
  resetsAt: Date;
}

/**
 * A wallet's cap and what is used of it; undefined for a wallet without one.
 *
 * A charge counts in the month in which its job was settled, a refund in the month of the charge that it corrects: what
 * is given back of an earlier month makes no room in this one. What was settled by a version without a ledger counts
 * when it was settled, and not when it was booked.
 *
 * @param at any time of the month; now, by the clock of the database, if it is absent.
 */
export async function readMonthlyCap(db: Queryable, wallet: string, at?: Date): Promise<MonthlyCap | undefined> {
  const { rows } = await db.query<{ monthly: string; charged: string; reserved: string; resets_at: Date }>({
    name: 'monthly-cap',
    text: `with cap as materialized (select monthly from spending_caps where wallet = $1
     ), month as (
       select date_trunc('month', coalesce($2::timestamptz, clock_timestamp()) at time zone 'utc') as begins
     ), bounds as materialized (
       select begins at time zone 'utc' as begins, (begins + interval '1 month') at time zone 'utc' as ends from month
     ), mine as materialized (
       select id, kind, balance from ledger_accounts
        where kind in ('customer', 'reserved') and owner = $1 and exists (select from cap)
     )
     select cap.monthly::text, bounds.ends as resets_at,
            coalesce((select balance from mine where kind = 'reserved'), 0)::text as reserved,
            coalesce((
              select -sum(l.amount)
                from mine
                join ledger_lines l on l.account_id = mine.id and l.at >= bounds.begins and l.at < bounds.ends
                join ledger_entries e on e.id = l.entry_id
                left join ledger_entries s on e.kind = 'refund' and s.key = 'settle/' || e.job_id
               where e.kind in ('settle', 'accrue', 'refund')
                 and coalesce((coalesce(s.note, e.note) ->> 'settled_at')::timestamptz, s.at, e.at) >= bounds.begins
            ), 0)::text as charged
       from cap cross join bounds`,
    values: [wallet, at ?? null],
  });
  const row = rows[0];
  if (row === undefined) return undefined;
  const { monthly, charged, reserved, resets_at: resetsAt } = row;
  return { amount: BigInt(monthly), charged: BigInt(charged), reserved: BigInt(reserved), resetsAt };
}

/** What is used of a cap. */
export const usedOf = ({ charged, reserved }: MonthlyCap): bigint => charged + reserved;

/**
 * Requires that what a wallet has just reserved is within its monthly cap. The reservation must be booked already: its
 * booking locked the wallet's account in the ledger, so two orders cannot pass each other here, and an error undoes it.
 *
 * @param added base units that the reservation added.
 * @returns the cap, if most of it is used since then.
 * @throws BrokerError `monthly_cap_reached`
 */
export async function requireWithinCap(tx: Queryable, wallet: string, added: bigint): Promise<NearLimit[]> {
  if (added <= 0n) return [];
  const cap = await readMonthlyCap(tx, wallet);
  if (cap === undefined) return [];
  const { amount, resetsAt } = cap;
  const used = usedOf(cap);
  const before = used - added;
  if (used > amount) throw capReached(added, amount > before ? amount - before : 0n, amount, resetsAt);
  return isCrossed(amount, before, used) ? [{ limit: 'monthly_cap', amount, used, resetsAt }] : [];
}

function capReached(required: bigint, remaining: bigint, cap: bigint, resetsAt: Date): BrokerError {
  const until = resetsAt.toISOString();
  return new BrokerError(
    'monthly_cap_reached',
    `this costs up to ${required} base units and the monthly cap of the wallet leaves ${remaining} until ${until}`,
    {
      ...{ required: required.toString(), remaining: remaining.toString(), monthly_cap: cap.toString() },
      resets_at: until,
    },
  );
}

/**
 * Locks a wallet's cap until the transaction ends, and returns it. Whoever orders with the wallet's money waits, too: no
 * order that began by the old cap is written after the new one.
 */
export async function lockMonthlyCap(tx: Transaction, wallet: string): Promise<bigint | undefined> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('cap of ' || $1, 0))`, [wallet]);
  await lockAccount(tx, 'customer', wallet);
  const { rows } = await tx.query<{ monthly: string }>('select monthly::text from spending_caps where wallet = $1', [
    wallet,
  ]);
  return rows[0] && BigInt(rows[0].monthly);
}

export async function writeMonthlyCap(tx: Transaction, wallet: string, amount: bigint): Promise<void> {
  await tx.query(
    `insert into spending_caps (wallet, monthly) values ($1, $2)
     on conflict (wallet) do update set monthly = excluded.monthly, changed_at = clock_timestamp()`,
    [wallet, amount.toString()],
  );
}

export async function removeMonthlyCap(tx: Transaction, wallet: string): Promise<void> {
  await tx.query('delete from spending_caps where wallet = $1', [wallet]);
}

/** Removes caps from before `before` of wallets that have neither a session nor a booking. @returns how many. */
export async function pruneMonthlyCaps(db: Queryable, before: Date): Promise<number> {
  return await removeOld(
    db,
    `delete from spending_caps where wallet in
       (select c.wallet from spending_caps c
         where c.changed_at < $1
           and not exists (select from auth_wallets w where w.wallet = c.wallet)
           and not exists (select from ledger_accounts a where a.kind = 'customer' and a.owner = c.wallet)
         order by c.changed_at limit $2)`,
    before,
  );
}
