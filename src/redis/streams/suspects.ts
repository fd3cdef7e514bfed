import type { PendingEntry } from './group.js';

/** From here on an entry is given alone: it may be what ended the process that had it. */
const suspectAfter = 3;
/** An entry that was given so often and failed each time is put aside. */
export const maxFailures = 5;
/** One that was given so often, and nobody lived to say that it failed, is put aside unseen. */
export const maxDeliveries = 10;

/**
 * The pending entries to read together: the first few that are above suspicion, or the first one alone. Reading counts
 * as a delivery, so those behind a suspect are not even read before it is dealt with.
 */
export function pageOf(pending: readonly PendingEntry[]): PendingEntry[] {
  const suspect = pending.findIndex(({ deliveries }) => deliveries >= suspectAfter);
  return pending.slice(0, suspect === -1 ? pending.length : Math.max(1, suspect));
}
