import type { Queryable } from './pool.js';
import type { VaultId } from './vault-events.js';

/** What is known of a vault, for processes that do not ask the chain. */
export interface KnownVault {
  /** From the proposal of a settlement to its execution. */
  batchDelayS: number;
  /** From asking for everything to taking it. */
  exitDelayS: number;
  /** Everything that was booked until then has been settled. */
  settledUntil: Date;
}

/** Remembers what never changes of a vault. @param scale base units in one unit of its token. */
export async function recordVault(
  db: Queryable,
  { chainId, vault }: VaultId,
  { scale, batchDelayS, exitDelayS }: { scale: bigint; batchDelayS: number; exitDelayS: number },
): Promise<void> {
  await db.query(
    `insert into vaults (chain_id, vault, scale, batch_delay_s, exit_delay_s) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [chainId, vault, scale.toString(), batchDelayS, exitDelayS],
  );
}

/** @returns undefined until a worker has found the vault. */
export async function knownVault(db: Queryable, { chainId, vault }: VaultId): Promise<KnownVault | undefined> {
  const { rows } = await db.query<{ batch_delay_s: string; exit_delay_s: string; settled_until: Date }>(
    'select batch_delay_s, exit_delay_s, settled_until from vaults where chain_id = $1 and vault = $2',
    [chainId, vault],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const [batchDelayS, exitDelayS] = [Number(row.batch_delay_s), Number(row.exit_delay_s)];
  return { batchDelayS, exitDelayS, settledUntil: row.settled_until };
}

/**
 * Remembers that everything is settled that was booked before a settlement was cut which was executed; or, without one,
 * before this transaction began.
 */
export async function recordSettled(tx: Queryable, { chainId, vault }: VaultId, number?: number): Promise<void> {
  await tx.query(
    `update vaults v
        set settled_until = greatest(v.settled_until, coalesce((select b.cut_at from batches b
                                                                 where b.chain_id = $1 and b.vault = $2 and b.number = $3),
                                                               now()))
      where v.chain_id = $1 and v.vault = $2`,
    [chainId, vault, number ?? null],
  );
}
