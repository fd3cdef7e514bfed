import { WorldLandError } from './errors.js';

/** @throws WorldLandError `aborted` when the signal ends it. */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  const aborted = () => new WorldLandError('aborted', 'the caller ended it');
  if (signal?.aborted === true) throw aborted();
  await new Promise<void>((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(aborted());
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', abort, { once: true });
  });
}
