import type { ReceiptSigner } from './receipt-signer.js';

/**
 * Signs for all who ask while a signing is under way in one go after it: many jobs that end together share its statements,
 * and one that ends alone waits for nobody.
 *
 * @param limitEach how many receipts each caller may have signed.
 * @param most how many are signed in one go at most; the sweep finds the rest.
 * @returns a function that ends once a signing that began after its call is over, and fails as that did.
 */
export function signTogether(
  signer: Pick<ReceiptSigner, 'sign'>,
  limitEach: number,
  most: number,
): () => Promise<void> {
  let underWay: Promise<unknown> = Promise.resolve();
  let next: Promise<void> | undefined;
  let asked = 0;
  return () => {
    asked += 1;
    next ??= underWay.then(async () => {
      const limit = Math.min(asked * limitEach, most);
      [next, asked] = [undefined, 0];
      const signing = signer.sign(limit);
      underWay = signing.catch(() => undefined);
      await signing;
    });
    return next;
  };
}
