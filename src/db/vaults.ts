import type { Address } from 'viem';
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

/** The same, with what a worker last saw of it. */
export interface SeenVault extends KnownVault {
  token: Address;
  symbol: string;
  decimals: number;
  operator: Address;
  guardian: Address;
  treasury: Address;
  proposed: number;
  lastExecuted: number;
  pausedUntil?: Date;
  /** Units of the token. */
  fees: bigint;
  /** What the broker's own key has for gas, in wei. */
  gasMoney?: bigint;
  seenAt: Date;
}

interface Unchanging {
  /** Base units in one unit of its token. */
  scale: bigint;
  batchDelayS: number;
  exitDelayS: number;
}

/** Remembers what never changes of a vault. */
export async function recordVault(
  db: Queryable,
  { chainId, vault }: VaultId,
  { scale, batchDelayS, exitDelayS }: Unchanging,
): Promise<void> {
  await db.query(
    `insert into vaults (chain_id, vault, scale, batch_delay_s, exit_delay_s) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [chainId, vault, scale.toString(), batchDelayS, exitDelayS],
  );
}

/**
 * Writes down what was seen of a vault that is remembered. A process without the operator's key leaves his gas money as it
 * was.
 */
export async function recordSeen(
  db: Queryable,
  { chainId, vault }: VaultId,
  seen: Omit<SeenVault, keyof KnownVault | 'seenAt' | 'pausedUntil'> & { pausedUntilS: number },
): Promise<void> {
  await db.query(
    `update vaults
        set token = $3, symbol = $4, decimals = $5, operator = $6, guardian = $7, treasury = $8, proposed = $9,
            last_executed = $10, paused_until = to_timestamp(nullif($11::float8, 0)), fees = $12,
            gas_money = coalesce($13, gas_money), seen_at = clock_timestamp()
      where chain_id = $1 and vault = $2`,
    [
      ...[chainId, vault, seen.token, seen.symbol, seen.decimals],
      ...[seen.operator.toLowerCase(), seen.guardian.toLowerCase(), seen.treasury.toLowerCase()],
      ...[seen.proposed, seen.lastExecuted, seen.pausedUntilS, seen.fees.toString()],
      seen.gasMoney?.toString() ?? null,
    ],
  );
}

/** @returns undefined until a worker has found the vault. */
export async function knownVault(db: Queryable, id: VaultId): Promise<KnownVault | undefined> {
  const row = await findRow(db, id);
  return row && knownOf(row);
}

/** @returns undefined until a worker has seen the vault. */
export async function seenVault(db: Queryable, id: VaultId): Promise<SeenVault | undefined> {
  const row = await findRow(db, id);
  return row === undefined || row.token === null ? undefined : seenOf(row);
}

interface KnownRow {
  batch_delay_s: number;
  exit_delay_s: number;
  settled_until: Date;
  token: null;
}

interface SeenRow extends Omit<KnownRow, 'token'> {
  token: Address;
  symbol: string;
  decimals: number;
  operator: Address;
  guardian: Address;
  treasury: Address;
  proposed: number;
  last_executed: number;
  paused_until: Date | null;
  fees: string;
  gas_money: string | null;
  seen_at: Date;
}

async function findRow(db: Queryable, { chainId, vault }: VaultId): Promise<KnownRow | SeenRow | undefined> {
  const { rows } = await db.query<KnownRow | SeenRow>(
    `select batch_delay_s, exit_delay_s, settled_until, token, symbol, decimals, operator, guardian, treasury, proposed,
            last_executed, paused_until, fees::text, gas_money::text, seen_at
       from vaults where chain_id = $1 and vault = $2`,
    [chainId, vault],
  );
  return rows[0];
}

function knownOf(row: KnownRow | SeenRow): KnownVault {
  return {
    batchDelayS: Number(row.batch_delay_s),
    exitDelayS: Number(row.exit_delay_s),
    settledUntil: row.settled_until,
  };
}

function seenOf(row: SeenRow): SeenVault {
  const { token, symbol, decimals, operator, guardian, treasury } = row;
  return {
    ...knownOf(row),
    ...{ token, symbol, decimals, operator, guardian, treasury },
    ...{ proposed: Number(row.proposed), lastExecuted: Number(row.last_executed) },
    ...(row.paused_until === null ? {} : { pausedUntil: row.paused_until }),
    fees: BigInt(row.fees),
    ...(row.gas_money === null ? {} : { gasMoney: BigInt(row.gas_money) }),
    seenAt: row.seen_at,
  };
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
