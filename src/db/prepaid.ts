import { BrokerError } from '../domain/errors.js';
import type { Queryable } from './pool.js';

// Customers of a site with a chain pay in advance: their account in the ledger may not owe. The flag stands at the
// account, so that an order, an extension and a placement ask the same.

/**
 * Makes a wallet one that pays in advance. In a statement of its own, because the transaction of an order locks sessions
 * before accounts.
 *
 * @throws BrokerError `insufficient_funds` while the wallet owes something from before.
 */
export async function payInAdvance(db: Queryable, wallet: string): Promise<void> {
  const { rows } = await db.query<{ balance: string }>(
    `with known as (
       insert into ledger_accounts (kind, owner, may_owe) values ('customer', $1, false)
       on conflict (kind, owner) do update set may_owe = ledger_accounts.balance < 0
       where ledger_accounts.may_owe
       returning balance
     ) select balance::text from known where balance < 0`,
    [wallet],
  );
  if (rows[0] === undefined) return;
  const owed = -BigInt(rows[0].balance);
  throw await insufficient(db, wallet, {
    words: `the wallet owes ${owed} base units from before, which a deposit has to cover first`,
    ...{ required: owed, available: 0n, missing: owed },
  });
}

/** On a site without a chain customers may owe, also those who paid in advance before. */
export async function payLater(db: Queryable): Promise<void> {
  await db.query(`update ledger_accounts set may_owe = true where kind = 'customer' and not may_owe`);
}

interface FundsRow {
  balance: string;
  /** What may still be drawn of the vault, beside what is free: base units, and below 0 if less. */
  allowed: string | null;
  exit_at: Date | null;
}

/**
 * Requires that a wallet which pays in advance has deposited what is about to be reserved, and has allowed to draw it.
 * Its account stays locked until the transaction ends.
 *
 * @throws BrokerError `insufficient_funds`, `exit_pending`: the caller must roll back.
 */
export async function requireFunds(tx: Queryable, wallet: string, added: bigint): Promise<void> {
  const { rowCount } = await tx.query(
    `select from ledger_accounts where kind = 'customer' and owner = $1 and not may_owe for update`,
    [wallet],
  );
  if (rowCount === 0 || added <= 0n) return;
  const { rows } = await tx.query<FundsRow>(
    `select a.balance::text, v.allowed::text, v.exit_at
       from ledger_accounts a
       left join lateral (
         select sum(greatest(w.cap, coalesce(p.cap, 0)) - w.deposited + w.waiting + w.withdrawn)
                  + coalesce((select balance from ledger_accounts where kind = 'withdrawing' and owner = $1), 0) as allowed,
                min(w.exit_at) as exit_at
           from chain_wallets w
           left join spend_permits p on p.chain_id = w.chain_id and p.vault = w.vault and p.wallet = w.wallet
                                    and p.refused_at is null
          where w.wallet = $1) v on true
      where a.kind = 'customer' and a.owner = $1`,
    [wallet],
  );
  const { balance, allowed, exit_at: exitAt } = rows[0]!;
  if (exitAt !== null) {
    throw new BrokerError(
      'exit_pending',
      `the wallet has asked the vault for its money, from ${exitAt.toISOString()} on`,
    );
  }
  const free = BigInt(balance);
  const words = (what: string) => `this costs up to ${added} base units and ${what}`;
  if (added > free) {
    const funds = { required: added, available: free, missing: added - free };
    throw await insufficient(tx, wallet, { words: words(`${free} are deposited and free`), ...funds });
  }
  const drawable = BigInt(allowed ?? 0) + free;
  if (added > drawable) {
    const available = drawable > 0n ? drawable : 0n;
    throw await insufficient(tx, wallet, {
      words: words(`the cap that the wallet gave the vault leaves ${available}: raise it`),
      ...{ required: added, available, missing: added - available },
    });
  }
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
