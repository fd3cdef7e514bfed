import { randomUUID } from 'node:crypto';
import type { Pool } from 'pg';
import { bookVaultEvents, type BookedVault } from '../../src/billing/vault-events.js';
import { withTransaction } from '../../src/db/pool.js';
import { insertVaultEvents, moveVaultCursor, readVaultCursor, type VaultEvent } from '../../src/db/vault-events.js';

let logIndex = 0;

/** Books events of a vault in one block, as the watch of the vault does. */
export async function vaultSays(
  pool: Pool,
  vault: BookedVault,
  ...events: Pick<VaultEvent, 'name' | 'args'>[]
): Promise<void> {
  await withTransaction(pool, async (tx) => {
    const before = await readVaultCursor(tx, vault);
    const block = (before?.block ?? 0) + 1;
    const blockHash = `0x${'b'.repeat(64)}` as const;
    await moveVaultCursor(tx, vault, before, { block, blockHash });
    const txHash = `0x${randomUUID().replaceAll('-', '').padEnd(64, '0')}` as const;
    const full = events.map((event) => ({ ...event, txHash, logIndex: ++logIndex, block, blockHash }));
    await bookVaultEvents(tx, vault, await insertVaultEvents(tx, vault, full));
  });
}
