import type { Finality } from '../config/chain.js';
import { finalBlock } from '../domain/settlement-step.js';
import type { Rpc } from './rpc.js';

/** The last final block as one node knows it; undefined if there is none yet. */
export async function finalHeight({ client }: Rpc, finality: Finality): Promise<bigint | undefined> {
  if (finality !== 'finalized') return finalBlock({ latest: await client.getBlockNumber() }, finality);
  const { number } = await client.getBlock({ blockTag: 'finalized' });
  return finalBlock({ latest: number, finalized: number }, finality);
}
