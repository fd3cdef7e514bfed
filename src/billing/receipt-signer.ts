import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import type { Config } from '../config.js';
import { withTransaction } from '../db/pool.js';
import { hasNoSigner, publishReceiptKey, reachBack } from '../db/receipt-keys.js';
import { putBack, storeSignatures, takeUnsigned, type UnsignedReceipt } from '../db/receipt-signatures.js';
import { figureProblems } from '../wire/receipt-checks.js';
import { readReceipt, receiptDigest } from '../wire/job-receipt.js';

/** Signs receipts that wait for it; see `createReceiptSigner`. */
export interface ReceiptSigner {
  /** Makes its key the published one. */
  publish(): Promise<void>;
  /** Signs up to `limit` receipts. Repeated or beside others, it signs none twice. @returns how many. */
  sign(limit: number): Promise<number>;
}

export interface ReceiptSignerDeps {
  config: Pick<Config, 'RECEIPT_PRIVATE_KEY'>;
  pool: Pool;
  logger: Logger;
}

/** Of other workers with a newer key: when they have signed nothing for so long, they are gone. */
const othersAreGoneAfterS = 120;

/**
 * The signer of receipts; `undefined` without a key, where receipts wait and nothing else does.
 *
 * The key signs what its published time covers. Where another key took its place, the workers with that one sign what is
 * issued since; if they are gone, because a rollout was taken back, this key is published again.
 */
export function createReceiptSigner({ config, pool, logger }: ReceiptSignerDeps): ReceiptSigner | undefined {
  if (config.RECEIPT_PRIVATE_KEY === undefined) return undefined;
  const account = privateKeyToAccount(config.RECEIPT_PRIVATE_KEY);
  const address = account.address.toLowerCase();

  async function publish(): Promise<void> {
    if (await publishReceiptKey(pool, address))
      logger.info({ address }, 'receipts are signed with this key from now on');
  }

  return {
    publish,
    async sign(limit) {
      if (await hasNoSigner(pool, address, othersAreGoneAfterS)) await publish();
      await reachBack(pool, address);
      return await withTransaction(pool, async (tx) => {
        const signed: { digest: Hex; signature: Hex }[] = [];
        const refused: Hex[] = [];
        for (const unsigned of await takeUnsigned(tx, address, limit)) {
          const problem = problemOf(unsigned);
          if (problem === undefined)
            signed.push({ digest: unsigned.digest, signature: await account.sign({ hash: unsigned.digest }) });
          else {
            refused.push(unsigned.digest);
            logger.error(
              { digest: unsigned.digest, problem },
              'a receipt is not what the broker wrote, and is not signed',
            );
          }
        }
        await storeSignatures(tx, address, signed);
        await putBack(tx, refused);
        return signed.length;
      });
    },
  };
}

/**
 * Why a receipt is not to be signed. The key signs no bare hash that somebody put into the database: what it signs is a
 * receipt whose figures are right.
 */
function problemOf({ digest, chainId, message }: UnsignedReceipt): string | undefined {
  const read = readReceipt(message);
  if (read === undefined) return 'its message is not that of a receipt';
  if (receiptDigest(read, chainId) !== digest) return 'its digest is another one';
  return figureProblems(read)[0];
}
