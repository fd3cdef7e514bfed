import type { Queryable } from './pool.js';

/** What is to come of earnings. Base units. */
export interface EarningsBalance {
  /** Earned by providers whose wallet is not proven: it waits for one. */
  unclaimed: bigint;
  /** What the platform owes the wallet; negative: refunds that later earnings pay off. */
  payable: bigint;
  /** What the wallet was paid so far. */
  paidOut: bigint;
  /** In a settlement that is not executed yet. */
  inBatch: bigint;
  /** What the wallet can take out of the vault itself. */
  withdrawable: bigint;
}

/**
 * What an owner's wallet has to come and has been paid, and what waits at its providers, or at one of them.
 *
 * @param wallet the owner; a provider's own wallet counts only if it is proven.
 */
export async function earningsBalance(
  db: Queryable,
  wallet: string | undefined,
  providerId?: string,
): Promise<EarningsBalance> {
  const { rows } = await db.query<Record<'unclaimed' | 'payable' | 'in_batch' | 'withdrawable' | 'paid_out', string>>(
    `select (select coalesce(sum(u.balance), 0)
               from ledger_accounts u
              where u.kind = 'unclaimed'
                and case when $2::text is not null then u.owner = $2
                         else u.owner in (select provider_id from providers where wallet_addr = $1) end)::text as unclaimed,
            coalesce((select balance from ledger_accounts where kind = 'provider' and owner = $1), 0)::text as payable,
            coalesce((select balance from ledger_accounts where kind = 'in_batch' and owner = $1), 0)::text as in_batch,
            coalesce((select balance from ledger_accounts where kind = 'payable' and owner = $1), 0)::text as withdrawable,
            (select coalesce(-sum(l.amount), 0)
               from ledger_entries e join ledger_lines l on l.entry_id = e.id
               join ledger_accounts a on a.id = l.account_id and a.kind = 'provider' and a.owner = $1
              where e.kind = 'payout' and e.note ->> 'wallet' = $1)::text as paid_out`,
    [wallet ?? null, providerId ?? null],
  );
  const { unclaimed, payable, in_batch, withdrawable, paid_out } = rows[0]!;
  return {
    ...{ unclaimed: BigInt(unclaimed), payable: BigInt(payable), paidOut: BigInt(paid_out) },
    ...{ inBatch: BigInt(in_batch), withdrawable: BigInt(withdrawable) },
  };
}

/** The wallet that is paid what a provider earns, if one is proven. */
export async function payeeOf(db: Queryable, providerId: string): Promise<string | undefined> {
  const { rows } = await db.query<{ wallet: string }>(
    'select wallet from provider_identities where provider_id = $1 and signed_at is not null',
    [providerId],
  );
  return rows[0]?.wallet;
}
