import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Waits until `what` answers something other than false or undefined, and returns it; an error of `what` is the test's.
 *
 * @throws Error that names what did not hold in time.
 */
export async function until<T>(
  what: () => T | Promise<T>,
  { timeoutMs = 20_000, everyMs = 10, name }: { timeoutMs?: number; everyMs?: number; name?: string } = {},
): Promise<Exclude<T, false | undefined>> {
  for (const deadline = Date.now() + timeoutMs; ; await sleep(everyMs)) {
    const found = await what();
    if (found !== false && found !== undefined) return found as Exclude<T, false | undefined>;
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${name ?? what.toString()}`);
  }
}
