import { WorldLandError } from '../../src/client/errors.js';

/**
 * Takes something away. Where the broker does not find it any more, that is done: by an earlier attempt whose answer was
 * lost, or elsewhere.
 */
export async function untilGone(remove: () => Promise<unknown>): Promise<void> {
  try {
    await remove();
  } catch (error) {
    const isGone = error instanceof WorldLandError && error.status === 404 && /(?:^|_)not_found$/.test(error.code);
    if (!isGone) throw error;
  }
}
