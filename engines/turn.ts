import { withLock } from './lock.js';
import type { Log } from './log.js';

/** Waits for the lock, takes it, and returns the function that releases it once. */
export async function takeTurn(path: string, what: string, log: Log): Promise<() => void> {
  let release: () => void = () => undefined;
  await new Promise<void>((held, failed) => {
    withLock(path, what, log, () => {
      held();
      return new Promise<void>((done) => (release = done));
    }).catch(failed);
  });
  return () => release();
}
