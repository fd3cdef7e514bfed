import type { Hex } from 'viem';
import { findBatch, insertForeignBatch, stopSettlements } from '../db/batches.js';
import type { Queryable } from '../db/pool.js';
import type { VaultEvent, VaultId } from '../db/vault-events.js';

/**
 * Stops settlements when the vault has a proposal that this broker did not cut: somebody else has the operator's key, or this
 * database is older than the chain. A number of ours is no excuse: one that became void before it was proposed is free for
 * whoever is faster. What stands under the number of the settlement under way, that one finds out itself.
 *
 * @returns whether it stopped them.
 */
export async function stopForProposal(
  tx: Queryable,
  vault: VaultId,
  { args }: Pick<VaultEvent, 'args'>,
): Promise<boolean> {
  const [number, hash] = [Number(args['number']), (args['hash'] ?? '') as Hex];
  const ours = await findBatch(tx, vault, number);
  if (ours === undefined) await insertForeignBatch(tx, vault, { number, hash });
  else if (ours.hash === hash || ours.status === 'cut' || ours.status === 'proposed') return false;
  return await stopSettlements(tx, vault, 'foreign_proposal');
}
