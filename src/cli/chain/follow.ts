import {
  parseTransaction,
  TransactionNotFoundError,
  TransactionReceiptNotFoundError,
  type Address,
  type Hex,
} from 'viem';
import type { Finality } from '../../config/chain.js';
import { finalHeight } from '../../chain/final-block.js';
import { askChain } from '../../chain/rpc.js';
import { broadcast } from './send-call.js';
import { saidByNode, type Node } from './node.js';
import type { SentCall } from './unfinished.js';

/** What became of a transaction, by the chain as it is now. */
export type Fate =
  | { state: 'waiting' }
  | { state: 'mined' | 'final'; hash: Hex; block: number; isSuccess: boolean; confirmations: number }
  /** Its nonce was used by something else in a block that is final. */
  | { state: 'lost'; nonce: number };

/** For nodes that do not say which block is final. */
const usualConfirmations = 30;

/** Where a transaction stands. One that no block has is sent again, so that a node that has forgotten it has it back. */
export async function fateOf(
  node: Node,
  entry: SentCall,
  { wallet, finality }: { wallet: Address; finality: Finality },
): Promise<Fate> {
  return await saidByNode(async () => {
    const found = await receiptOf(node, entry);
    const height = await finalAt(node, finality);
    if (found !== undefined) {
      const latest = Number(await node.client.getBlockNumber());
      const isFinal = height !== undefined && BigInt(found.block) <= height;
      return { ...found, state: isFinal ? 'final' : 'mined', confirmations: Math.max(0, latest - found.block) };
    }
    const nonce = await nonceOf(node, entry);
    if (nonce === undefined || height === undefined) return { state: 'waiting' };
    const used = await askChain(() => node.client.getTransactionCount({ address: wallet, blockNumber: height }));
    // A node that has just answered with this count may have been behind when it was asked for the receipt.
    if (used > nonce) {
      return (await receiptOf(node, entry)) === undefined ? { state: 'lost', nonce } : { state: 'waiting' };
    }
    return { state: 'waiting' };
  });
}

/** Sends what waits once more; a node that refuses it says nothing about whether another one has it. */
export async function sendAgain(node: Node, { raw }: SentCall): Promise<void> {
  const last = raw.at(-1);
  if (last !== undefined) await broadcast(node, last).catch(() => undefined);
}

async function finalAt({ host, client }: Node, finality: Finality): Promise<bigint | undefined> {
  const rpc = { host, client };
  if (finality !== 'finalized') return await askChain(() => finalHeight(rpc, finality));
  try {
    return await askChain(() => finalHeight(rpc, finality));
  } catch (error) {
    if ((error as Error).name === 'BrokerError') throw error;
    return await askChain(() => finalHeight(rpc, usualConfirmations));
  }
}

async function receiptOf({ client }: Node, { hashes }: SentCall) {
  for (const hash of hashes.toReversed()) {
    try {
      const receipt = await askChain(() => client.getTransactionReceipt({ hash }));
      const block = await askChain(() => client.getBlock({ blockNumber: receipt.blockNumber }));
      // A block that is not on the chain any more counts as never having been.
      if (block.hash !== receipt.blockHash) continue;
      return { hash, block: Number(receipt.blockNumber), isSuccess: receipt.status === 'success' };
    } catch (error) {
      if (error instanceof TransactionReceiptNotFoundError || (error as Error).name === 'BlockNotFoundError') continue;
      throw error;
    }
  }
  return undefined;
}

async function nonceOf({ client }: Node, { raw, hashes }: SentCall): Promise<number | undefined> {
  if (raw[0] !== undefined) return parseTransaction(raw[0]).nonce ?? 0;
  try {
    return (await askChain(() => client.getTransaction({ hash: hashes[0]! }))).nonce;
  } catch (error) {
    if (error instanceof TransactionNotFoundError) return undefined;
    throw error;
  }
}
