import type { Queryable } from './pool.js';
import type { VaultId } from './vault-events.js';

// A frozen wallet gets no service: the vault does not pay for it, or it has left the vault with a debt.

type FreezeReason = 'refused' | 'left_owing';

export interface FrozenWallet {
  wallet: string;
  chainId: number;
  vault: string;
  /** `refused`: the vault refused a settlement for its line. `left_owing`: it took out what was charged already. */
  reason: FreezeReason;
  /** The words of the vault; '' without any. */
  detail: string;
  frozenAt: Date;
  /** Base units, free of any reservation. */
  owed: bigint;
}

/** A wallet whose line the vault refused. The next settlement is cut without it, or it would be refused as well. */
export async function freezeRefused(
  tx: Queryable,
  { chainId, vault }: VaultId,
  wallet: string,
  detail: string,
): Promise<void> {
  await tx.query(
    `insert into frozen_wallets (chain_id, vault, wallet, reason, detail) values ($1, $2, $3, 'refused', $4)
     on conflict (wallet, chain_id, vault) where thawed_at is null
       do update set reason = excluded.reason, detail = excluded.detail`,
    [chainId, vault, wallet.toLowerCase(), detail],
  );
}

/**
 * A wallet that took out more than was its own. What it deposits from now on is drawn all the same, unless the vault refused
 * its line before.
 */
export async function freezeDebtor(tx: Queryable, { chainId, vault }: VaultId, wallet: string): Promise<void> {
  await tx.query(
    `insert into frozen_wallets (chain_id, vault, wallet, reason)
     select $1, $2, owner, 'left_owing' from ledger_accounts where kind = 'customer' and owner = $3 and balance < 0
     on conflict (wallet, chain_id, vault) where thawed_at is null do nothing`,
    [chainId, vault, wallet],
  );
}

/** Thaws a wallet that has deposited, or allowed more, and owes nothing any more. */
export async function thawCovered(tx: Queryable, { chainId, vault }: VaultId, wallet: string): Promise<void> {
  await tx.query(
    `update frozen_wallets set thawed_at = clock_timestamp()
      where chain_id = $1 and vault = $2 and wallet = $3 and thawed_at is null
        and not exists (select from ledger_accounts where kind = 'customer' and owner = $3 and balance < 0)`,
    [chainId, vault, wallet],
  );
}

/** @returns whether it was frozen. */
export async function thawWallet(tx: Queryable, wallet: string, by: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `update frozen_wallets set thawed_at = clock_timestamp(), thawed_by = $2 where wallet = $1 and thawed_at is null`,
    [wallet, by],
  );
  return (rowCount ?? 0) > 0;
}

const frozenSql = `
  select f.wallet, f.chain_id, f.vault, f.reason, f.detail, f.frozen_at,
         greatest(-coalesce(a.balance, 0), 0)::text as owed
    from frozen_wallets f left join ledger_accounts a on a.kind = 'customer' and a.owner = f.wallet
   where f.thawed_at is null`;

interface FrozenRow {
  wallet: string;
  chain_id: number;
  vault: string;
  reason: FreezeReason;
  detail: string;
  frozen_at: Date;
  owed: string;
}

const frozenOf = (row: FrozenRow): FrozenWallet => ({
  ...{ wallet: row.wallet, chainId: Number(row.chain_id), vault: row.vault, reason: row.reason, detail: row.detail },
  ...{ frozenAt: row.frozen_at, owed: BigInt(row.owed) },
});

/** Those that are frozen, the longest first. */
export async function frozenWallets(db: Queryable, limit: number): Promise<FrozenWallet[]> {
  const { rows } = await db.query<FrozenRow>(`${frozenSql} order by f.frozen_at, f.id limit $1`, [limit]);
  return rows.map(frozenOf);
}

export async function frozenWallet(
  db: Queryable,
  { chainId, vault }: VaultId,
  wallet: string,
): Promise<FrozenWallet | undefined> {
  const { rows } = await db.query<FrozenRow>(`${frozenSql} and f.chain_id = $1 and f.vault = $2 and f.wallet = $3`, [
    ...[chainId, vault, wallet],
  ]);
  return rows[0] && frozenOf(rows[0]);
}

export async function countFrozen(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    'select count(*)::int as count from frozen_wallets where thawed_at is null',
  );
  return rows[0]!.count;
}
