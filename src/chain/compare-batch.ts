import { readLines } from '../db/batches.js';
import { readVaultCursor, walletInVault } from '../db/vault-events.js';
import { scaleOf } from '../domain/vault-units.js';
import { sideBySide } from '../side-by-side.js';
import { tellDisagreement } from './disagreement.js';
import { rentalVaultAbi } from './rental-vault-abi.js';
import { agreed } from './rpc.js';
import type { WatchDeps } from './watch-deps.js';

const readsAtOnce = 8;

/**
 * Holds a settlement that was executed against the vault: each customer in it has there what he deposited, less what he
 * took out and what was drawn; each payee what he was credited.
 *
 * @returns what differs, in words: nothing.
 */
export async function compareBatch({ rpcs, pool, facts, logger }: WatchDeps, number: number): Promise<string[]> {
  const cursor = await readVaultCursor(pool, facts);
  if (cursor === undefined) return [];
  const at = { address: facts.vault, abi: rentalVaultAbi, blockNumber: BigInt(cursor.block) } as const;
  const scale = scaleOf(facts.decimals);
  const { draws, credits } = await readLines(pool, facts, number);
  const differing: string[] = [];
  const failed = await sideBySide(draws, readsAtOnce, async ({ wallet, cumulative }) => {
    const [balance, spent] = await agreed(rpcs, `customer ${wallet}`, ({ client }) =>
      client.readContract({ ...at, functionName: 'customers', args: [wallet] }),
    );
    const { deposited, withdrawn } = await walletInVault(pool, facts, wallet);
    if (spent !== cumulative || balance !== (deposited - withdrawn) / scale - cumulative)
      differing.push(`customer ${wallet}`);
  });
  const alsoFailed = await sideBySide(credits, readsAtOnce, async ({ wallet, cumulative }) => {
    const [credited] = await agreed(rpcs, `payee ${wallet}`, ({ client }) =>
      client.readContract({ ...at, functionName: 'payees', args: [wallet] }),
    );
    if (credited !== cumulative) differing.push(`payee ${wallet}`);
  });
  // It is repeated with the next settlement of the wallet; nothing waits for it.
  for (const { error } of [...failed, ...alsoFailed]) tellDisagreement(error, logger);
  if (failed.length + alsoFailed.length > 0)
    logger.warn({ number }, 'a settlement was not compared: a node does not answer');
  return differing;
}
