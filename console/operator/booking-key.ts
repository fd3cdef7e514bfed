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
  return (await once.run(intention, newIdempotencyKey, send))!;
}

/** What to do where an answer was lost. */
export const tryAgain = 'Press it again: nothing is booked twice.';
