import type { Pool } from 'pg';
import { parseTransaction, TransactionReceiptNotFoundError, type Hex } from 'viem';
import type { Finality } from '../config/chain.js';
import { recordTx, type ChainTx, type TxStatus } from '../db/chain-tx.js';
import { finalOfAll } from './final-block.js';
import { agreed, askChain, sameOf, type Rpc } from './rpc.js';

interface Found {
  isSuccess: boolean;
  block: { number: bigint; hash: Hex };
}

/**
 * Finds out what became of a transaction, and writes it down: whichever of the raw ones was mined counts. A block that
 * is not on the chain any more counts as never having been. It is sent again until every node has it in a block, and
 * that it has ended, by success or not, is believed only when all of them say so of a block that all of them call final.
 *
 * @throws NodesDisagree
 */
export async function fateOf(
  tx: ChainTx,
  { rpcs, pool, finality }: { rpcs: readonly Rpc[]; pool: Pool; finality: Finality },
): Promise<TxStatus> {
  const height = await finalOfAll(rpcs, finality);
  const found = await receiptsOf(rpcs, tx);
  const isEnded = (each: Found | undefined) =>
    each !== undefined && height !== undefined && each.block.number <= height;
  const fate = found.some(isEnded)
    ? endOf(tx, found)
    : found.every((each) => each !== undefined)
      ? { status: 'mined' as const, block: found[0]!.block }
      : { status: await unmined(rpcs, tx, height) };
  const block = 'block' in fate ? fate.block : undefined;
  if (fate.status !== tx.status || block?.hash !== tx.block?.hash) await recordTx(pool, tx.purpose, fate.status, block);
  return fate.status;
}

function endOf(
  { purpose }: ChainTx,
  found: readonly (Found | undefined)[],
): { status: TxStatus; block: Found['block'] } {
  const { isSuccess, block } = sameOf(found, `what became of ${purpose}`)!;
  return { status: isSuccess ? 'final' : 'reverted', block };
}

/** A nonce that is used up in a final block, and not by any of ours, is lost. */
async function unmined(rpcs: readonly Rpc[], tx: ChainTx, height: bigint | undefined): Promise<TxStatus> {
  if (height === undefined) return 'submitted';
  const used = await agreed(rpcs, 'what the operator has sent', ({ client }) =>
    client.getTransactionCount({ address: tx.signer.address, blockNumber: height }),
  );
  // A node that has just answered with this count may have been behind when it was asked for the receipt.
  const isOurs = used > tx.nonce && (await receiptsOf(rpcs, tx)).some((each) => each !== undefined);
  return used <= tx.nonce || isOurs ? 'submitted' : 'lost';
}

/** The receipt of anything that was signed for it, on the chain as it is now, as each node has it. */
async function receiptsOf(rpcs: readonly Rpc[], tx: ChainTx): Promise<(Found | undefined)[]> {
  return await askChain(() => Promise.all(rpcs.map((rpc) => receiptOf(rpc, tx))));
}

async function receiptOf(rpc: Rpc, { raw, hashes, nonce }: ChainTx): Promise<Found | undefined> {
  const signed = hashes.map((hash, index) => ({ hash, isOfNow: parseTransaction(raw[index]!).nonce === nonce }));
  for (const { hash, isOfNow } of signed.toReversed()) {
    const found = await receiptAt(rpc, hash);
    // That an earlier attempt was reverted is why there is another one.
    if (found !== undefined && (found.isSuccess || isOfNow)) return found;
  }
  return undefined;
}

async function receiptAt({ client }: Rpc, hash: Hex): Promise<Found | undefined> {
  try {
    const receipt = await askChain(() => client.getTransactionReceipt({ hash }));
    const block = await askChain(() => client.getBlock({ blockNumber: receipt.blockNumber }));
    if (block.hash !== receipt.blockHash || receipt.transactionHash !== hash) return undefined;
    return { isSuccess: receipt.status === 'success', block: { number: receipt.blockNumber, hash: receipt.blockHash } };
  } catch (error) {
    if (error instanceof TransactionReceiptNotFoundError || (error as Error).name === 'BlockNotFoundError')
      return undefined;
    throw error;
  }
}
