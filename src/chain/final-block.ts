import type { Finality } from '../config/chain.js';
import { finalBlock } from '../domain/settlement-step.js';
import { askChain, NodesDisagree, type Rpc } from './rpc.js';

/** The last final block as one node knows it; undefined if there is none yet. */
export async function finalHeight({ client }: Rpc, finality: Finality): Promise<bigint | undefined> {
  if (finality !== 'finalized') return finalBlock({ latest: await client.getBlockNumber() }, finality);
  const { number } = await client.getBlock({ blockTag: 'finalized' });
  return finalBlock({ latest: number, finalized: number }, finality);
}

/** A node that has not seen so many blocks of the others is not behind, but on another chain, or lies. */
const mostBlocksApart = 200n;

/**
 * The last block that all nodes call final; undefined while one of them has none. A node alone can hold it back by a
 * little, but not put it forward.
 *
 * @throws NodesDisagree when one of them is far behind the others, or far ahead: it would stop, in silence, all that waits
 *   for what is final.
 */
export async function finalOfAll(rpcs: readonly Rpc[], finality: Finality): Promise<bigint | undefined> {
  const heights = await askChain(() => Promise.all(rpcs.map((rpc) => finalHeight(rpc, finality))));
  const known = heights.filter((height) => typeof height === 'bigint');
  if (known.length === 0) return undefined;
  // One that has none is before the first block.
  const { least } = boundsOf(known.length < heights.length ? [-1n, ...known] : known, 'the last final block');
  return least < 0n ? undefined : least;
}

/**
 * The last block that all nodes have.
 *
 * @throws NodesDisagree when one of them is far behind the others, or far ahead.
 */
export async function latestOfAll(rpcs: readonly Rpc[]): Promise<bigint> {
  return (await latestBounds(rpcs)).least;
}

/** The same, with the last block that any node has. @throws NodesDisagree */
export async function latestBounds(rpcs: readonly Rpc[]): Promise<{ least: bigint; most: bigint }> {
  return boundsOf(
    await askChain(() => Promise.all(rpcs.map(({ client }) => client.getBlockNumber()))),
    'the last block',
  );
}

function boundsOf(heights: readonly bigint[], about: string): { least: bigint; most: bigint } {
  const least = heights.reduce((a, b) => (b < a ? b : a));
  const most = heights.reduce((a, b) => (b > a ? b : a));
  if (most - least > mostBlocksApart) throw new NodesDisagree(about);
  return { least, most };
}
