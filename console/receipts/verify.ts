import { WorldLandError } from '../../src/client/index.js';
import type { ReceiptKeys, Receipt, Statement } from '../../src/client/types.generated.js';
import type { CheckedPart, VerifiedReceipts } from '../../src/client/verify-receipts.js';
import { broker } from '../live/index.js';

type Keys = ReceiptKeys['keys'];

/** What checks receipts is loaded when somebody wants it. */
async function verifier() {
  try {
    return await import('../../src/client/verify-receipts.js');
  } catch (cause) {
    throw new WorldLandError('network', 'a part of the console could not be loaded', { retryable: true, cause });
  }
}

/**
 * Checks one receipt in this browser; the one that it names is null if there is none, and undefined if it is not ours.
 *
 * @param customer whose it has to be; undefined where anybody's is looked at.
 */
export async function verifyOne(
  receipt: Receipt,
  readPrevious: (digest: string) => Promise<Receipt | null | undefined>,
  customer?: string,
): Promise<CheckedPart[]> {
  const { checkReceipt } = await verifier();
  const { previous, number } = receipt.typed_data.message;
  const [keys, before] = await Promise.all([
    broker().receipts.keys(),
    number === 1 ? Promise.resolve(undefined) : readPrevious(previous),
  ]);
  return checkReceipt(receipt, { keys, audience: broker().audience, customer, previous: before });
}

/**
 * Checks receipts that are all of one customer, or only some.
 *
 * @param of.statement that was read before them.
 */
export async function verifyMany(
  receipts: readonly Receipt[],
  of: { areAll: boolean; customer?: string | undefined; statement?: Statement },
): Promise<VerifiedReceipts> {
  const { verifyReceipts } = await verifier();
  const keys: Keys = await broker().receipts.keys();
  return verifyReceipts(receipts, { keys, audience: broker().audience, ...of });
}

/** Receipts with the keys, in the form that the verifier in Python and `wl` have. */
export async function receiptsAsJson(receipts: readonly Receipt[]): Promise<string> {
  return `${JSON.stringify({ receipts, keys: await broker().receipts.keys() }, undefined, 2)}\n`;
}
