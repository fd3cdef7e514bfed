import { giveBack } from '../billing/withdrawals.js';
import { withTransaction } from '../db/pool.js';
import type { Cursor } from '../db/vault-events.js';
import { hasOpenWithdrawals, overdueWithdrawals } from '../db/withdrawals.js';
import { scaleOf } from '../domain/vault-units.js';
import { agreed } from './rpc.js';
import type { WatchDeps } from './watch-deps.js';

/**
 * Gives back what was held for withdrawals that nobody can take any more: their deadline is before the time of a final
 * block, and everything up to that block is booked. No later block has an earlier time, so the vault will refuse them.
 */
export async function giveBackOverdue({ rpcs, pool, facts, logger }: WatchDeps, { block }: Cursor): Promise<void> {
  if (!(await hasOpenWithdrawals(pool, facts))) return;
  const time = await agreed(
    rpcs,
    `the time of block ${block}`,
    async ({ client }) => (await client.getBlock({ blockNumber: BigInt(block) })).timestamp,
  );
  const vault = { chainId: facts.chainId, vault: facts.vault, scale: scaleOf(facts.decimals) };
  for (const { id, why } of await overdueWithdrawals(pool, facts, Number(time))) {
    const isBack = await withTransaction(pool, (tx) => giveBack(tx, vault, id, why));
    if (isBack) logger.info({ withdrawal: id, why }, 'a withdrawal was not taken, and its money given back');
  }
}
