import type { Address } from 'viem';
import type { Settlement } from '../../client/shapes.js';
import { rentalVaultAbi } from '../../chain/rental-vault-abi.js';
import { batchHash } from '../../wire/settlement-batch.js';
import { saidByNode, type Node } from './node.js';

/** What is wrong with a settlement, each in a sentence; empty if nothing is. */
export interface CheckedSettlement {
  /** Of its lines, worked out here; absent if they are no lines. */
  hash: string | undefined;
  problems: string[];
}

/** Works the hash out of the lines, as the vault does. */
export function checkLines(settlement: Settlement): CheckedSettlement {
  const { chain_id: chainId, vault, draws, credits } = settlement;
  let hash: string;
  try {
    hash = batchHash({
      ...{ chainId, vault: vault as Address },
      draws: draws.map(({ customer, cumulative }) => ({ wallet: customer as Address, cumulative: BigInt(cumulative) })),
      credits: credits.map(({ payee, cumulative }) => ({ wallet: payee as Address, cumulative: BigInt(cumulative) })),
    });
  } catch {
    return { hash: undefined, problems: ['its lines are not what a vault takes'] };
  }
  const isSame = hash === settlement.hash.toLowerCase();
  return { hash, problems: isSame ? [] : [`its lines have the hash ${hash}, and the broker says ${settlement.hash}`] };
}

/** Compares with what the vault has, which is what will be executed. */
export async function checkOnChain(
  { client }: Node,
  settlement: Settlement,
  hash: string | undefined,
): Promise<{ problems: string[]; isExecuted: boolean }> {
  const at = { address: settlement.vault as Address, abi: rentalVaultAbi } as const;
  const [[onChain], lastExecuted] = await saidByNode(() =>
    Promise.all([
      client.readContract({ ...at, functionName: 'batches', args: [BigInt(settlement.number)] }),
      client.readContract({ ...at, functionName: 'lastExecuted' }),
    ]),
  );
  const isExecuted = settlement.status === 'final' && Number(lastExecuted) >= settlement.number;
  const problems: string[] = [];
  if (/^0x0{64}$/.test(onChain)) {
    if (settlement.status !== 'void') problems.push('the vault does not have it: it was vetoed, or never proposed');
  } else if (onChain !== hash) problems.push(`the vault has the hash ${onChain} for it`);
  if (settlement.status === 'final' && !isExecuted) {
    problems.push(`the broker says that it was executed, and the vault has executed up to ${lastExecuted}`);
  }
  return { problems, isExecuted };
}
