import { BrokerError } from '../domain/errors.js';
import { isPrepaid } from './payment-mode.js';
import type { Queryable } from './pool.js';
import { prepared } from './prepared.js';

// Customers of a site with a chain pay in advance. Whatever promises service (an order, an extension, a placement) asks
// here in the transaction that books it. What a job has cost is booked without asking: it was served.

interface FundsRow {
  balance: string;
  /** What may still be drawn of the vault, beside what is free: base units, and below 0 if less. */
  allowed: string | null;
  exit_at: Date | null;
  is_frozen: boolean;
}

/**
 * Requires that a wallet which pays in advance has deposited what is about to be reserved, and has allowed to draw it. One
 * that owes gets nothing, whatever it costs. Its account stays locked until the transaction ends.
 *
 * @param added base units that are about to be reserved; below 0 what a cheaper placement gives back.
 * @throws BrokerError `insufficient_funds`, `exit_pending`: the caller must roll back.
 */
export async function requireFunds(tx: Queryable, wallet: string, added: bigint): Promise<void> {
  if (!(await isPrepaid(tx))) {
    // It may have begun while the site had a chain.
    await tx.query(
      prepared(`update ledger_accounts set may_owe = true where kind = 'customer' and owner = $1 and not may_owe`),
      [wallet],
    );
    return;
  }
  const { balance, allowed, exit_at: exitAt, is_frozen: isFrozen } = await lockFunds(tx, wallet);
  if (exitAt !== null) {
    throw new BrokerError(
      'exit_pending',
      `the wallet has asked the vault for its money, from ${exitAt.toISOString()} on`,
    );
  }
  const free = BigInt(balance);
  const refuse = async (available: bigint, why: string) => {
    const funds = { required: atLeast0(added), available: atLeast0(available), missing: atLeast0(added - available) };
    throw await insufficient(tx, wallet, { ...funds, words: why });
  };
  if (free < 0n && added > free) {
    await refuse(free, `the wallet owes ${-free} base units from before, which a deposit has to cover first`);
  }
  const words = (what: string) => `this costs up to ${added} base units and ${what}`;
  if (added > free) await refuse(free, words(`${free} are deposited and free`));
  if (isFrozen)
    await refuse(0n, 'the vault refused to pay for this wallet: deposit, raise its cap, or ask the operator');
  const drawable = BigInt(allowed ?? 0) + free;
  if (added > drawable) {
    await refuse(drawable, words(`the cap that the wallet gave the vault leaves ${atLeast0(drawable)}: raise it`));
  }
}

const atLeast0 = (amount: bigint) => (amount > 0n ? amount : 0n);

/**
 * The account is locked by a statement of its own: the next one reads what whoever held it has written. Its row is made
 * to owe nothing again, as far as it does not.
 */
async function lockFunds(tx: Queryable, wallet: string): Promise<FundsRow> {
  await tx.query(`select from ledger_accounts where kind = 'customer' and owner = $1 for update`, [wallet]);
  const { rows } = await tx.query<FundsRow>(
    `with covered as (
       update ledger_accounts set may_owe = false
        where kind = 'customer' and owner = $1 and may_owe and balance >= 0
     )
     select coalesce((select balance from ledger_accounts where kind = 'customer' and owner = $1), 0)::text as balance,
            (sum(greatest(w.cap, coalesce(p.cap, 0)) - w.deposited + w.waiting + w.withdrawn)
              + coalesce((select balance from ledger_accounts where kind = 'withdrawing' and owner = $1), 0))::text
              as allowed,
            min(w.exit_at) as exit_at,
            exists (select from frozen_wallets where wallet = $1 and thawed_at is null) as is_frozen
       from chain_wallets w
       left join spend_permits p on p.chain_id = w.chain_id and p.vault = w.vault and p.wallet = w.wallet
                                and p.refused_at is null
      where w.wallet = $1`,
    [wallet],
  );
  return rows[0]!;
}

async function insufficient(
  db: Queryable,
  wallet: string,
  funds: { words: string; required: bigint; available: bigint; missing: bigint },
): Promise<BrokerError> {
  const { rows } = await db.query<{ chain_id: number; vault: string }>(
    'select chain_id, vault from chain_cursor order by read_at desc limit 1',
  );
  const vault = rows[0];
  return new BrokerError('insufficient_funds', funds.words, {
    required: funds.required.toString(),
    available: funds.available.toString(),
    missing: funds.missing.toString(),
    ...(vault === undefined ? {} : { deposit: { chain_id: vault.chain_id, vault: vault.vault, customer: wallet } }),
  });
}
