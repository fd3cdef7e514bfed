import { recoverAddress, type Hex } from 'viem';
import { BrokerError } from '../domain/errors.js';
import { signatureFormProblem } from './signature-form.js';

/** Recoveries that may wait: at about 2 ms each, the last of them waits a second. */
const defaultMaxWaiting = 500;

export type Recover = (digest: Hex, signature: Hex) => Promise<string | undefined>;

/**
 * Recovers signers one at a time, with a turn of the event loop between two of them: a recovery keeps the processor
 * for about 2 ms, and a flood of signatures must not keep everything else waiting.
 *
 * @param maxWaiting infinite for a reader that bounds by itself how much it has under way.
 * @returns the signer's lower-case address; `undefined` when the signature has another form or fits no key.
 * @throws BrokerError `rate_limited` when too many wait.
 */
export function createRecover({ maxWaiting = defaultMaxWaiting }: { maxWaiting?: number } = {}): Recover {
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();

  return async (digest, signature) => {
    if (signatureFormProblem(signature) !== undefined) return undefined;
    if (waiting >= maxWaiting) {
      throw new BrokerError('rate_limited', 'too many signatures are waiting to be checked', { retry_after_s: 1 });
    }
    waiting++;
    const turn = last.then(() => new Promise<void>((resolve) => setImmediate(resolve)));
    const result = turn.then(() => recovered(digest, signature));
    last = result;
    try {
      return await result;
    } finally {
      waiting--;
    }
  };
}

async function recovered(hash: Hex, signature: Hex): Promise<string | undefined> {
  try {
    return (await recoverAddress({ hash, signature })).toLowerCase();
  } catch {
    // Not a point of the curve, or r or s out of range.
    return undefined;
  }
}
