import { setTimeout as sleep } from 'node:timers/promises';
import { noteWait } from './waits.js';

/** How long a busy machine may take to decide about a start. It is shorter than what a test may take. */
export const decidedWithinMs = 100_000;

export interface Waiting {
  /** After how long it fails. */
  timeoutMs?: number;
  everyMs?: number;
  name?: string;
  /** The longest it takes on a quiet machine; the table of the slowest waits marks longer ones. */
  budgetMs?: number;
}

/**
 * Waits until `what` returns something other than false or undefined, and returns it; an error of `what` fails the
 * test. The run prints which waits took longest.
 *
 * @throws Error that names the condition that did not hold in time.
 */
export async function until<T>(
  what: () => T | Promise<T>,
  { timeoutMs = 60_000, everyMs = 10, name, budgetMs = 5_000 }: Waiting = {},
): Promise<Exclude<T, false | undefined>> {
  const began = Date.now();
  const asked = new Error();
  for (const deadline = began + timeoutMs; ; await sleep(everyMs)) {
    const found = await what();
    if (found !== false && found !== undefined) {
      noteWait({ tookMs: Date.now() - began, budgetMs, name: name ?? what.toString(), asked });
      return found as Exclude<T, false | undefined>;
    }
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${name ?? what.toString()}`);
  }
}
