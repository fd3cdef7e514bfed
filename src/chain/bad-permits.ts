import { encodeFunctionData, zeroAddress } from 'viem';
import { permitsOfBatch, refusePermit } from '../db/spend-permits.js';
import { scaleOf } from '../domain/vault-units.js';
import { finalOfAll } from './final-block.js';
import { rentalVaultAbi } from './rental-vault-abi.js';
import { simulate } from './dry-run.js';
import type { WatchDeps } from './watch-deps.js';

/**
 * Finds the permits of a settlement that the vault refuses, and counts them no longer, so that one of them does not hold up
 * everybody. All nodes must say so of a final block. Their signatures were checked when they were kept: it takes a chain that has changed its id, for instance.
 */
export async function refuseBadPermits(
  { rpcs, pool, facts, logger, settings }: WatchDeps,
  number: number,
): Promise<void> {
  const height = await finalOfAll(rpcs, settings.finality);
  if (height === undefined) return;
  const scale = scaleOf(facts.decimals);
  for (const permit of await permitsOfBatch(pool, facts, number, scale)) {
    const { wallet, cap, signature } = permit;
    const data = encodeFunctionData({
      ...{ abi: rentalVaultAbi, functionName: 'raiseCap', args: [wallet, cap / scale, signature] },
    });
    // From nobody: the wallet itself would need no signature.
    const simulated = await simulate(rpcs, { from: zeroAddress, to: facts.vault, data }, height);
    if (!('refused' in simulated) || simulated.refused.errorName !== 'BadSignature') continue;
    await refusePermit(pool, facts, permit);
    logger.error({ wallet, cap: cap.toString() }, 'the vault refuses a permit, which counts no longer');
  }
}
