import { limitReached } from '../domain/limits.js';
import { nativeRecoverSigner, recoverWithViem, type RecoverSigner } from './recover-signer.js';
import { signatureFormProblem } from './signature-form.js';
import { currentTurn, Turns } from './turns.js';
import type { Recover } from '../wire/recover.js';

const fastest = nativeRecoverSigner() ?? recoverWithViem;

/** How many recoveries may wait: where each takes 2 ms, the last one waits a second. */
const defaultMaxWaiting = 500;

/**
 * Recovers signers one at a time and yields to the event loop in between: a recovery takes up to 2 ms of processor
 * time, and a flood of signatures must block neither other work nor other people's signatures (see `inTurn`).
 *
 * @param maxWaiting infinity for a reader that bounds its own concurrency.
 * @param recoverSigner the native library by default, where it loads.
 * @returns the signer's lower-case address; `undefined` when the signature is malformed or matches no key.
 * @throws BrokerError `rate_limited` when too many wait, for those at the address with the most.
 */
export function createRecover({
  maxWaiting = defaultMaxWaiting,
  recoverSigner = fastest,
}: { maxWaiting?: number; recoverSigner?: RecoverSigner } = {}): Recover {
  const turns = new Turns();
  let isBusy = false;

  async function work(): Promise<void> {
    isBusy = true;
    for (;;) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      const waiting = turns.next();
      if (waiting === undefined) break;
      await waiting.run();
    }
    isBusy = false;
  }

  return async (digest, signature) => {
    if (signatureFormProblem(signature) !== undefined) return undefined;
    const result = new Promise<string | undefined>((resolve, reject) => {
      turns.add(currentTurn(), {
        async run() {
          resolve(await recoverSigner(digest, signature));
        },
        drop: () => reject(limitReached('signatures', { allowed: maxWaiting, retryAfterS: 1 })),
      });
    });
    if (turns.size > maxWaiting) turns.dropFromLongest()!.drop();
    if (!isBusy) void work();
    return await result;
  };
}
