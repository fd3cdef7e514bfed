/** How far the `ts` of a provider's message may be from its arrival. */
export const arrivalSkewS = 120;

/**
 * How far a number, read as Unix milliseconds, may be ahead of its message's `ts`: enough for a key to continue from
 * the highest number ever accepted from it, and far less than the error of a clock set to another time zone.
 */
export const maxLeadMs = 300_000;

/** No accepted message has a number further ahead of its arrival than this. */
export const maxAheadMs = arrivalSkewS * 1_000 + maxLeadMs;
