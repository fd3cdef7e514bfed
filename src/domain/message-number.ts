import { maxLeadMs, maxAheadMs } from '../wire/message-number.js';

/** A message's number, and the stream entry it came in, which may be delivered again. */
export interface MessageNumber {
  seq: number;
  entryId: string;
}

/**
 * Whether a number is too far ahead of its own message's time. Both are signed, so the result never changes: a message
 * rejected for this today cannot be replayed once its time has come. Small counters are never ahead.
 */
export function isAhead(seq: number, tsS: number): boolean {
  return seq > tsS * 1_000 + maxLeadMs;
}

/**
 * The value to use for a number that was accepted earlier. A number further ahead of its entry than the bound allows
 * was accepted before the bound existed, and would lock its key out until the clock reaches it. It is replaced by the
 * highest number that the bound would have allowed then: everything accepted with it or before it is lower than that,
 * or is ahead of its own message and so rejected anyway.
 */
export function countedAs({ seq, entryId }: MessageNumber): number {
  const arrivedMs = /^([0-9]+)-[0-9]+$/.exec(entryId)?.[1];
  return arrivedMs === undefined ? seq : Math.min(seq, Number(arrivedMs) + maxAheadMs);
}
