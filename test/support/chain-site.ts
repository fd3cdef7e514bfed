import type { Pool } from 'pg';
import type { Address } from 'viem';
import type { VaultCommands } from '../../src/api/vault-commands.js';
import type { BookedVault } from '../../src/billing/vault-events.js';
import { insertBatch, recordBatchWait } from '../../src/db/batches.js';
import { recordSeen, recordVault } from '../../src/db/vaults.js';
import { fixDeadline, keepSignature } from '../../src/db/withdrawals.js';
import { batchHash } from '../../src/wire/settlement-batch.js';
import { vaultSays } from './vault-news.js';

/** A vault as the tables of a broker have it, without a chain: what requests read and write. */
export const tableVault: BookedVault = {
  ...{ chainId: 1, vault: `0x${'5e'.repeat(20)}`, scale: 10n ** 12n, leastDeposit: 0n },
};

/** Of a site that is paid on a chain. Nodes are asked by workers alone, so none is needed. */
export const chainEnv = {
  ...{ ENABLE_BLOCKCHAIN: 'true', BLOCKCHAIN_RPC_URL: 'http://127.0.0.1:9', BLOCKCHAIN_CHAIN_ID: '1' },
  ...{ VAULT_ADDRESS: tableVault.vault, BROKER_ROLES: 'api' },
};

/** Writes what a worker has seen of the vault. */
export async function putVault(pool: Pool): Promise<void> {
  const holder: Address = `0x${'1'.repeat(40)}`;
  await recordVault(pool, tableVault, { scale: tableVault.scale, batchDelayS: 43_200, exitDelayS: 604_800 });
  await recordSeen(pool, tableVault, {
    ...{ token: `0x${'70'.repeat(20)}`, symbol: 'USDX', decimals: 6 },
    ...{ operator: holder, guardian: holder, treasury: holder, proposed: 1, lastExecuted: 0, pausedUntilS: 0 },
    ...{ fees: 0n, gasMoney: 10n ** 18n },
  });
  await vaultSays(pool, tableVault, { name: 'RoleAnnounced', args: {} });
}

/** Proposes a settlement with one draw and one credit. */
export async function putSettlement(pool: Pool, number: number): Promise<void> {
  const { chainId, vault } = tableVault;
  const [customer, payee]: [Address, Address] = [`0x${'c'.repeat(40)}`, `0x${'9'.repeat(40)}`];
  const lines = {
    draws: [{ wallet: customer, cumulative: 1_500_000n }],
    credits: [{ wallet: payee, cumulative: 1_425_000n }],
  };
  const hash = batchHash({ chainId, vault, ...lines });
  await insertBatch(pool, tableVault, { number, hash, ...lines });
  await vaultSays(pool, tableVault, { name: 'BatchProposed', args: { number: String(number), hash } });
  const executableAtS = Math.floor(Date.now() / 1_000) + 43_200;
  await recordBatchWait(pool, tableVault, number, { waitsFor: 'the delay in which it can be vetoed', executableAtS });
}

/** Has a wallet deposit so many tokens, all of which may be drawn. */
export async function depositInTable(pool: Pool, wallet: string, tokens: bigint): Promise<void> {
  const [customer, units] = [wallet.toLowerCase(), String(tokens * 10n ** 6n)];
  await vaultSays(
    pool,
    tableVault,
    { name: 'Deposited', args: { customer, from: customer, amount: units } },
    { name: 'CapRaised', args: { customer, cap: units } },
  );
}

/** Workers that sign whatever is held. */
export function signingWorkers(pool: () => Pool, asked: string[] = []): VaultCommands {
  return {
    async signWithdrawal(id) {
      asked.push(id);
      await fixDeadline(pool(), id, Math.floor(Date.now() / 1_000) + 900);
      await keepSignature(pool(), id, `0x${'5'.repeat(128)}1b`);
    },
  };
}
