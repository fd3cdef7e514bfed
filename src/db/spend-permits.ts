import type { Address, Hex } from 'viem';
import { bytesOf, hexOf } from './hex.js';
import type { Queryable } from './pool.js';
import type { VaultId } from './vault-events.js';

/** What a wallet signed that the vault may draw of it in all. */
interface KeptPermit {
  wallet: Address;
  /** Base units. */
  cap: bigint;
  signature: Hex;
}

/** What a wallet allowed so far, in base units: as the vault knows it, or as it signed here. */
export async function signedCap(db: Queryable, { chainId, vault }: VaultId, wallet: string): Promise<bigint> {
  const { rows } = await db.query<{ cap: string }>(
    `select greatest(coalesce((select cap from chain_wallets where chain_id = $1 and vault = $2 and wallet = $3), 0),
                     coalesce((select cap from spend_permits
                                where chain_id = $1 and vault = $2 and wallet = $3 and refused_at is null), 0))::text as cap`,
    [chainId, vault, wallet],
  );
  return BigInt(rows[0]!.cap);
}

/**
 * Keeps a permit whose signature was checked. One that allows more takes the place of the one before.
 *
 * @returns false when it allows no more than what is kept.
 */
export async function keepPermit(
  tx: Queryable,
  { chainId, vault }: VaultId,
  { wallet, cap, signature }: KeptPermit,
): Promise<boolean> {
  const { rowCount } = await tx.query(
    `insert into spend_permits as p (chain_id, vault, wallet, cap, signature) values ($1, $2, $3, $4, $5)
     on conflict (chain_id, vault, wallet) do update
       set cap = $4, signature = $5, kept_at = clock_timestamp(), refused_at = null
     where p.cap < $4 or p.refused_at is not null`,
    [chainId, vault, wallet, cap.toString(), bytesOf(signature)],
  );
  return rowCount === 1;
}

/**
 * The permits that the vault has to be told, for what a settlement draws to be allowed there.
 *
 * @param scale base units in one unit of the token.
 */
export async function permitsOfBatch(
  db: Queryable,
  { chainId, vault }: VaultId,
  number: number,
  scale: bigint,
): Promise<KeptPermit[]> {
  const { rows } = await db.query<{ wallet: Address; cap: string; signature: Buffer }>(
    `select p.wallet, p.cap::text, p.signature
       from batch_lines l
       join spend_permits p on p.chain_id = l.chain_id and p.vault = l.vault and p.wallet = l.wallet
       left join chain_wallets w on w.chain_id = l.chain_id and w.vault = l.vault and w.wallet = l.wallet
      where l.chain_id = $1 and l.vault = $2 and l.batch = $3 and l.side = 'draw' and p.refused_at is null
        and l.cumulative * $4::numeric > coalesce(w.cap, 0)
      order by p.wallet collate "C"`,
    [chainId, vault, number, scale.toString()],
  );
  return rows.map(({ wallet, cap, signature }) => ({ wallet, cap: BigInt(cap), signature: hexOf(signature) }));
}

/** A permit that the vault refuses counts no longer. */
export async function refusePermit(
  db: Queryable,
  { chainId, vault }: VaultId,
  { wallet, cap }: Pick<KeptPermit, 'wallet' | 'cap'>,
): Promise<void> {
  await db.query(
    `update spend_permits set refused_at = clock_timestamp()
      where chain_id = $1 and vault = $2 and wallet = $3 and cap = $4`,
    [chainId, vault, wallet, cap.toString()],
  );
}

/** Permits that the vault knows by now. Call it when a cap was raised. */
export async function forgetPermit(
  tx: Queryable,
  { chainId, vault }: VaultId,
  wallet: string,
  cap: bigint,
): Promise<void> {
  await tx.query('delete from spend_permits where chain_id = $1 and vault = $2 and wallet = $3 and cap <= $4', [
    ...[chainId, vault, wallet, cap.toString()],
  ]);
}

export async function countPermits(db: Queryable, { chainId, vault }: VaultId): Promise<number> {
  const { rows } = await db.query<{ count: number }>(
    'select count(*)::int as count from spend_permits where chain_id = $1 and vault = $2 and refused_at is null',
    [chainId, vault],
  );
  return rows[0]!.count;
}
