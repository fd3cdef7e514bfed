import { encodeFunctionData } from 'viem';
import { permitsOfBatch, refusePermit } from '../db/spend-permits.js';
import { scaleOf } from '../domain/vault-units.js';
import { asRevert, CallReverted } from './node-words.js';
import { rentalVaultAbi } from './rental-vault-abi.js';
import { firstAnswer } from './rpc.js';
import type { WatchDeps } from './watch-deps.js';

/**
 * Finds the permits of a settlement that the vault refuses, and counts them no longer, so that one of them does not hold up
 * everybody. Their signatures were checked when they were kept: it takes a chain that has changed its id, for instance.
 */
export async function refuseBadPermits({ rpcs, pool, facts, logger }: WatchDeps, number: number): Promise<void> {
  const scale = scaleOf(facts.decimals);
  for (const permit of await permitsOfBatch(pool, facts, number, scale)) {
    const { wallet, cap, signature } = permit;
    const data = encodeFunctionData({
      ...{ abi: rentalVaultAbi, functionName: 'raiseCap', args: [wallet, cap / scale, signature] },
    });
    const isBad = await firstAnswer(rpcs, async ({ client }) => {
      try {
        // From nobody: the wallet itself would need no signature.
        await client.call({ to: facts.vault, data });
        return false;
      } catch (error) {
        const revert = asRevert(error);
        if (!(revert instanceof CallReverted)) throw revert;
        return revert.errorName === 'BadSignature';
      }
    });
    if (!isBad) continue;
    await refusePermit(pool, facts, permit);
    logger.error({ wallet, cap: cap.toString() }, 'the vault refuses a permit, which counts no longer');
  }
}
