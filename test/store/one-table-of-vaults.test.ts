import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import type { Address } from 'viem';
import { migrate } from '../../src/db/migrate.js';
import { migrationNames, migrationsFolder } from '../../src/db/migration-files.js';
import { createPool, type PostgresConfig } from '../../src/db/pool.js';
import type { VaultId } from '../../src/db/vault-events.js';
import { knownVault, recordSeen, recordVault, seenVault } from '../../src/db/vaults.js';
import { dropDatabase, emptyDatabase } from '../support/database.js';

// A build before the one table had two: `vaults`, and `chain_vaults` for what a worker last saw.

let config: PostgresConfig;
let pool: Pool;
beforeEach(async () => {
  config = await emptyDatabase();
  pool = createPool(config);
});
afterEach(async () => {
  await pool.end();
  await dropDatabase(config.POSTGRES_DB);
});

const vaultOf = (digit: string): VaultId => ({ chainId: 8453, vault: `0x${digit.repeat(40)}` });
const [seen, unseen, orphan] = [vaultOf('a'), vaultOf('b'), vaultOf('c')];
const holder: Address = `0x${'1'.repeat(40)}`;
const token: Address = `0x${'7'.repeat(40)}`;

/** What builds wrote when they saw a vault, until the two tables were one. */
const oldWrite = (proposed: number, { vault, chainId } = seen) =>
  pool.query(
    `insert into chain_vaults as v (chain_id, vault, token, symbol, decimals, batch_delay_s, exit_delay_s, operator,
                                    guardian, treasury, proposed, last_executed, paused_until, fees, gas_money)
     values ($1, $2, $3, 'USDX', 6, 43200, 604800, $4, $4, $4, $5, 3, to_timestamp(nullif($6::float8, 0)), 17, $7)
     on conflict (chain_id, vault) do update
       set operator = $4, guardian = $4, treasury = $4, proposed = $5, last_executed = 3,
           paused_until = excluded.paused_until, fees = 17, gas_money = coalesce($7, v.gas_money),
           seen_at = clock_timestamp()`,
    [chainId, vault, token, holder, proposed, 0, '1000000000000000000'],
  );

async function migrateBefore(name: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'));
  for (const each of migrationNames(migrationsFolder()).filter((other) => other < name))
    copyFileSync(join(migrationsFolder(), `${each}.sql`), join(folder, `${each}.sql`));
  try {
    await migrate(config, undefined, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const delays = { batchDelayS: 43_200, exitDelayS: 604_800 };
const asSeen = {
  ...delays,
  ...{ token, symbol: 'USDX', decimals: 6, operator: holder, guardian: holder, treasury: holder },
  ...{ proposed: 4, lastExecuted: 3, fees: 17n, gasMoney: 10n ** 18n },
};

test('what both tables had of a vault is in the one that is left', async () => {
  await migrateBefore('0087');
  const settledUntil = new Date('2026-11-01T00:00:00Z');
  for (const vault of [seen, unseen]) await recordVault(pool, vault, { scale: 10n ** 12n, ...delays });
  await pool.query('update vaults set settled_until = $1', [settledUntil]);
  for (const vault of [seen, orphan]) await oldWrite(4, vault);
  await migrate(config);
  expect(await seenVault(pool, seen)).toEqual({ ...asSeen, settledUntil, seenAt: expect.any(Date) });
  expect(await seenVault(pool, orphan)).toMatchObject(asSeen);
  expect(await seenVault(pool, unseen)).toBeUndefined();
  expect(await knownVault(pool, unseen)).toEqual({ ...delays, settledUntil });
  const { rows } = await pool.query('select distinct scale::text from vaults');
  expect(rows).toEqual([{ scale: '1000000000000' }]);
});

test('a build before it goes on reading and writing what it saw, and both see the same', async () => {
  await migrate(config);
  await recordVault(pool, seen, { scale: 10n ** 12n, ...delays });
  // It expects all of a row, or none.
  const shown = async () => (await pool.query('select from chain_vaults')).rowCount;
  expect(await shown()).toBe(0);
  await oldWrite(4);
  expect(await seenVault(pool, seen)).toBeUndefined();
  expect(await shown()).toBe(0);
  await recordSeen(pool, seen, { ...asSeen, proposed: 5, pausedUntilS: 0 });
  await oldWrite(9);
  expect(await seenVault(pool, seen)).toMatchObject({ ...asSeen, proposed: 9 });
  const { rows } = await pool.query(
    `select token, symbol, decimals, batch_delay_s, exit_delay_s, operator, guardian, treasury, proposed, last_executed,
            paused_until, fees::text, gas_money::text, seen_at
       from chain_vaults where chain_id = $1 and vault = $2`,
    [seen.chainId, seen.vault],
  );
  expect(rows).toMatchObject([{ symbol: 'USDX', decimals: 6, proposed: 9, fees: '17', seen_at: expect.any(Date) }]);
  const { rows: scales } = await pool.query('select scale::text from vaults');
  expect(scales).toEqual([{ scale: '1000000000000' }]);
});

test('a process without the operator’s key leaves his gas money as it was', async () => {
  await migrate(config);
  await recordVault(pool, seen, { scale: 10n ** 12n, ...delays });
  await recordSeen(pool, seen, { ...asSeen, pausedUntilS: 1_800_000_000 });
  const { gasMoney: _, ...withoutKey } = asSeen;
  await recordSeen(pool, seen, { ...withoutKey, pausedUntilS: 0 });
  expect(await seenVault(pool, seen)).toMatchObject({ gasMoney: 10n ** 18n });
  expect(await seenVault(pool, seen)).not.toHaveProperty('pausedUntil');
});
