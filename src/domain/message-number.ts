/** How far `ts` of a provider's message may be from its arrival. */
export const arrivalSkewS = 120;

/**
 * How far a number, read as milliseconds since 1970, may be ahead of the `ts` beside it: enough for a key to go on from
 * the highest number that was ever taken from it, and far less than any clock that is set to another zone.
 */
export const maxLeadMs = 300_000;

/** No message that is accepted has a number further ahead of its arrival than this. */
export const maxAheadMs = arrivalSkewS * 1_000 + maxLeadMs;

/** The number of a message, and the entry it came in, which may be delivered again. */
export interface MessageNumber {
  seq: number;
  entryId: string;
}

/**
 * Whether a number runs ahead of its own message. Both are signed, so the answer never changes: what is refused for this
 * today cannot be presented again when its time has come. Small counters are never ahead.
 */
export function isAhead(seq: number, tsS: number): boolean {
  return seq > tsS * 1_000 + maxLeadMs;
}

/**
 * What a number counts as that was taken before. One further ahead of its entry than any message may be was taken before
 * there was that bound, and would keep its key out until the clock has come that far. It counts as the highest that
 * could have been taken at that moment: whatever was taken with it or before it stays below that or is ahead of itself.
 */
export function countedAs({ seq, entryId }: MessageNumber): number {
  const arrivedMs = /^([0-9]+)-[0-9]+$/.exec(entryId)?.[1];
  return arrivedMs === undefined ? seq : Math.min(seq, Number(arrivedMs) + maxAheadMs);
}
