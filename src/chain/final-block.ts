import type { Finality } from '../config/chain.js';
import { finalBlock } from '../domain/settlement-step.js';
import { askChain, NodesDisagree, type Rpc } from './rpc.js';

/** The last final block as one node knows it; undefined if there is none yet. */
export async function finalHeight({ client }: Rpc, finality: Finality): Promise<bigint | undefined> {
  if (finality !== 'finalized') return finalBlock({ latest: await client.getBlockNumber() }, finality);
  const { number } = await client.getBlock({ blockTag: 'finalized' });
  return finalBlock({ latest: number, finalized: number }, finality);
}

/**
 * The last block that all nodes call final; undefined while one of them has none. A node alone can hold it back, but not
 * put it forward.
 */
export async function finalOfAll(rpcs: readonly Rpc[], finality: Finality): Promise<bigint | undefined> {
  const heights = await askChain(() => Promise.all(rpcs.map((rpc) => finalHeight(rpc, finality))));
  const known = heights.filter((height) => height !== undefined);
  return known.length < heights.length ? undefined : lowest(known);
}

/** A node that has not seen so many blocks of the others is not behind, but on another chain, or lies. */
const mostBlocksApart = 200n;

/**
 * The last block that all nodes have.
 *
 * @throws NodesDisagree when one of them is far behind the others, or far ahead.
 */
export async function latestOfAll(rpcs: readonly Rpc[]): Promise<bigint> {
  const heights = await askChain(() => Promise.all(rpcs.map(({ client }) => client.getBlockNumber())));
  const [least, most] = [lowest(heights), -lowest(heights.map((height) => -height))];
  if (most - least > mostBlocksApart) throw new NodesDisagree('the last block');
  return least;
}

const lowest = (heights: readonly bigint[]) => heights.reduce((a, b) => (b < a ? b : a));
