import type { PendingEntry } from './group.js';

/** From this many deliveries on, an entry is read alone: it may have crashed the processes that had it. */
const suspectAfter = 3;
/** An entry delivered this often and failed each time becomes a dead letter. */
export const maxFailures = 5;
/** An entry delivered this often without a reported failure becomes a dead letter unread: it crashed its readers. */
export const maxDeliveries = 10;

/**
 * The pending entries to read together: the first unsuspicious ones, or else the first entry alone. Reading counts as a
 * delivery, so entries behind a suspect are not read until it is settled.
 */
export function pageOf(pending: readonly PendingEntry[]): PendingEntry[] {
  const suspect = pending.findIndex(({ deliveries }) => deliveries >= suspectAfter);
  return pending.slice(0, suspect === -1 ? pending.length : Math.max(1, suspect));
}
