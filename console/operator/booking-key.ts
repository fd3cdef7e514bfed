import { WorldLandError } from '../../src/client/errors.js';
import { operator } from '../live/index.js';
import { createOnce, intentionOf, keptInTab, newIdempotencyKey } from '../live/once.js';

const once = createOnce<string>(keptInTab('worldland-bookings'));

/**
 * Books something once: where an answer was lost, the next try for the same job or wallet sends the same key, whatever
 * was entered meanwhile. The broker then answers what it has booked, or refuses what differs from it.
 *
 * @param target a job or a wallet.
 */
export async function bookOnce<T>(
  what: 'refund' | 'payout' | 'payment',
  target: string,
  send: (idempotencyKey: string) => Promise<T>,
): Promise<T> {
  const intention = intentionOf(operator.peek()?.session?.wallet, what, target.toLowerCase());
  try {
    return (await once.run(intention, newIdempotencyKey, send))!;
  } catch (error) {
    if (error instanceof WorldLandError && error.code === 'idempotency_conflict') throw new BookedRefusal();
    throw error;
  }
}

/** An earlier try, whose answer was lost, was booked; what is entered now differs from it. */
class BookedRefusal extends Error {
  override readonly name = 'BookedRefusal';

  constructor() {
    super(
      'It was booked before, as you had entered it first. Nothing was added now. Close this and look at what is booked.',
    );
  }
}

/** What to do where an answer was lost. */
export const tryAgain = 'Press it again: nothing is booked twice.';
