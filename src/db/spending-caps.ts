import { BrokerError } from '../domain/errors.js';
import { isCrossed, type NearLimit } from '../domain/spend-limits.js';
import { lockAccount } from './ledger.js';
import { prepared } from './prepared.js';
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
 * when it was settled, and not when it was booked. Each booking adds to its month: see migration 0065.
 *
 * @param at any time of the month; now, by the clock of the database, if it is absent.
 */
export async function readMonthlyCap(db: Queryable, wallet: string, at?: Date): Promise<MonthlyCap | undefined> {
  const { rows } = await db.query<{ monthly: string; charged: string; reserved: string; resets_at: Date }>(
    prepared(`with month as materialized (
       select date_trunc('month', coalesce($2::timestamptz, clock_timestamp()) at time zone 'utc') as begins
     )
     select cap.monthly::text, (begins + interval '1 month') at time zone 'utc' as resets_at,
            coalesce((select balance from ledger_accounts where kind = 'reserved' and owner = $1), 0)::text as reserved,
            -- Below 0 if more was refunded than was charged, where a charge was booked in parts over two months.
            coalesce((select greatest(charged, 0) from wallet_months where wallet = $1 and month = begins::date), 0)::text
              as charged
       from spending_caps cap cross join month
      where cap.wallet = $1`),
    [wallet, at ?? null],
  );
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
 * Whoever changes the cap waits until the transaction ends, and is waited for.
 *
 * @param added base units that the reservation added in the ledger.
 * @returns the cap, if most of it is used since then.
 * @throws BrokerError `monthly_cap_reached`
 */
export async function requireWithinCap(tx: Queryable, wallet: string, added: bigint): Promise<NearLimit[]> {
  if (added <= 0n) return [];
  // In a statement of its own: the next one has to see what was written while this one waited.
  await tx.query(prepared(`select pg_advisory_xact_lock_shared(hashtextextended('cap of ' || $1, 0))`), [wallet]);
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
 * order that began by the old cap is written after the new one. First the account and then the cap, as an order does; a
 * wallet that has never ordered has no account, and is locked by its cap alone.
 */
export async function lockMonthlyCap(tx: Transaction, wallet: string): Promise<bigint | undefined> {
  await lockAccount(tx, 'customer', wallet);
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('cap of ' || $1, 0))`, [wallet]);
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

/**
 * Removes caps from before `before` of wallets that have neither a session nor a booking, each with a row of the audit
 * log: its wallet did not ask for it.
 *
 * @returns how many.
 */
export async function pruneMonthlyCaps(db: Queryable, before: Date): Promise<number> {
  return await removeOld(
    db,
    `with gone as (
       -- The time once more: it is looked at again if the cap was set anew meanwhile.
       delete from spending_caps where changed_at < $1 and wallet in
         (select c.wallet from spending_caps c
           where c.changed_at < $1
             and not exists (select from auth_wallets w where w.wallet = c.wallet)
             and not exists (select from ledger_accounts a where a.kind = 'customer' and a.owner = c.wallet)
           order by c.changed_at limit $2)
       returning wallet, monthly
     )
     insert into audit_log (actor, ip, action, target, detail, request_id)
     select 'broker', '', 'wallet.monthly_cap', wallet,
            jsonb_build_object('from', monthly::text, 'to', null, 'why', 'unused for a year'), ''
       from gone`,
    before,
  );
}
