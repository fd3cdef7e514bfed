import type { Pool } from 'pg';
import { parseTransaction, TransactionReceiptNotFoundError, type Hex } from 'viem';
import type { Finality } from '../config/chain.js';
import { recordTx, type ChainTx, type TxStatus } from '../db/chain-tx.js';
import { finalHeight } from './final-block.js';
import { askChain, firstAnswer, type Rpc } from './rpc.js';

interface Found {
  isSuccess: boolean;
  block: { number: bigint; hash: Hex };
}

/**
 * Finds out what became of a transaction, and writes it down: whichever of the raw ones was mined counts. A block that
 * is not on the chain any more counts as never having been.
 */
export async function fateOf(
  tx: ChainTx,
  { rpcs, pool, finality }: { rpcs: readonly Rpc[]; pool: Pool; finality: Finality },
): Promise<TxStatus> {
  const found = await findReceipt(rpcs, tx);
  const height = await firstAnswer(rpcs, (rpc) => finalHeight(rpc, finality));
  const status = found === undefined ? await unmined(rpcs, tx, height) : minedStatus(found, height);
  if (status !== tx.status || found?.block.hash !== tx.block?.hash) {
    await recordTx(pool, tx.purpose, status, found?.block);
  }
  return status;
}

function minedStatus({ isSuccess, block }: Found, height: bigint | undefined): TxStatus {
  if (height === undefined || block.number > height) return 'mined';
  return isSuccess ? 'final' : 'reverted';
}

/** A nonce that is used up in a final block, and not by any of ours, is lost. */
async function unmined(rpcs: readonly Rpc[], tx: ChainTx, height: bigint | undefined): Promise<TxStatus> {
  if (height === undefined) return 'submitted';
  const used = await firstAnswer(rpcs, ({ client }) =>
    client.getTransactionCount({ address: tx.signer.address, blockNumber: height }),
  );
  // A node that has just answered with this count may have been behind when it was asked for the receipt.
  if (used <= tx.nonce || (await findReceipt(rpcs, tx)) !== undefined) return 'submitted';
  return 'lost';
}

/** The receipt of anything that was signed for it, on the chain as it is now, by any node that knows it. */
async function findReceipt(rpcs: readonly Rpc[], { raw, hashes, nonce }: ChainTx): Promise<Found | undefined> {
  const signed = hashes.map((hash, index) => ({ hash, isOfNow: parseTransaction(raw[index]!).nonce === nonce }));
  const failures: unknown[] = [];
  for (const rpc of rpcs) {
    try {
      for (const { hash, isOfNow } of signed.toReversed()) {
        const found = await receiptAt(rpc, hash);
        // That an earlier attempt was reverted is why there is another one.
        if (found !== undefined && (found.isSuccess || isOfNow)) return found;
      }
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length === rpcs.length) throw failures[0];
  return undefined;
}

async function receiptAt({ client }: Rpc, hash: Hex): Promise<Found | undefined> {
  try {
    const receipt = await askChain(() => client.getTransactionReceipt({ hash }));
    const block = await askChain(() => client.getBlock({ blockNumber: receipt.blockNumber }));
    if (block.hash !== receipt.blockHash) return undefined;
    return { isSuccess: receipt.status === 'success', block: { number: receipt.blockNumber, hash: receipt.blockHash } };
  } catch (error) {
    if (error instanceof TransactionReceiptNotFoundError || (error as Error).name === 'BlockNotFoundError')
      return undefined;
    throw error;
  }
}
