import type { Address } from 'viem';
import type { Queryable } from './pool.js';
import type { VaultId } from './vault-events.js';

/** What workers last saw of a vault. Those who ask no node themselves know it from here. */
export interface KnownVault {
  token: Address;
  symbol: string;
  decimals: number;
  batchDelayS: number;
  exitDelayS: number;
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

export async function findVault(db: Queryable, { chainId, vault }: VaultId): Promise<KnownVault | undefined> {
  const { rows } = await db.query<{
    [field: string]: unknown;
    paused_until: Date | null;
    fees: string;
    gas_money: string | null;
  }>(
    `select token, symbol, decimals, batch_delay_s, exit_delay_s, operator, guardian, treasury, proposed, last_executed,
            paused_until, fees::text, gas_money::text, seen_at
       from chain_vaults where chain_id = $1 and vault = $2`,
    [chainId, vault],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  return {
    ...{ token: row['token'] as Address, symbol: row['symbol'] as string, decimals: row['decimals'] as number },
    ...{ batchDelayS: row['batch_delay_s'] as number, exitDelayS: row['exit_delay_s'] as number },
    operator: row['operator'] as Address,
    ...{ guardian: row['guardian'] as Address, treasury: row['treasury'] as Address },
    ...{ proposed: row['proposed'] as number, lastExecuted: row['last_executed'] as number },
    ...(row.paused_until === null ? {} : { pausedUntil: row.paused_until }),
    fees: BigInt(row.fees),
    ...(row.gas_money === null ? {} : { gasMoney: BigInt(row.gas_money) }),
    seenAt: row['seen_at'] as Date,
  };
}

/** Writes down what was seen. A process without the operator's key leaves his gas money as it was. */
export async function recordVault(
  db: Queryable,
  { chainId, vault }: VaultId,
  seen: Omit<KnownVault, 'seenAt' | 'pausedUntil'> & { pausedUntilS: number },
): Promise<void> {
  await db.query(
    `insert into chain_vaults as v (chain_id, vault, token, symbol, decimals, batch_delay_s, exit_delay_s, operator,
                                    guardian, treasury, proposed, last_executed, paused_until, fees, gas_money)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, to_timestamp(nullif($13::float8, 0)), $14, $15)
     on conflict (chain_id, vault) do update
       set operator = $8, guardian = $9, treasury = $10, proposed = $11, last_executed = $12,
           paused_until = excluded.paused_until, fees = $14, gas_money = coalesce($15, v.gas_money),
           seen_at = clock_timestamp()`,
    [
      ...[chainId, vault, seen.token, seen.symbol, seen.decimals, seen.batchDelayS, seen.exitDelayS],
      ...[seen.operator.toLowerCase(), seen.guardian.toLowerCase(), seen.treasury.toLowerCase()],
      ...[seen.proposed, seen.lastExecuted, seen.pausedUntilS, seen.fees.toString()],
      seen.gasMoney?.toString() ?? null,
    ],
  );
}
