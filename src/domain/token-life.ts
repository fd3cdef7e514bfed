/** With more tokens than this, new ones are valid for the shortest time only. */
export const mostLiveTokens = 3_000;
/** Up to this many, tokens are valid as long as they are set to. */
export const manyLiveTokens = 1_000;
/** Enough for a machine that runs its join command when it comes. */
const shortestS = 60;

/**
 * How long a new join token is valid: the more there are, the shorter. `cluster-info`, in which the cluster signs for each
 * token, holds 12,200 of them (1 MiB). Beyond that it signs no more, and nobody joins until tokens expire. With these
 * bounds, and as no machine is given another token unasked while there are many, they stay below while 150 machines register
 * a second for hours and none of them joins.
 *
 * @param live how many there are.
 * @param ttlS how long they are valid while there are few.
 */
export function tokenLifeS(live: number, ttlS: number): number {
  const share = (mostLiveTokens - live) / (mostLiveTokens - manyLiveTokens);
  return Math.round(Math.max(Math.min(shortestS, ttlS), Math.min(ttlS, ttlS * share)));
}

/**
 * Whether a machine that did not use its token is given another one without asking again. While there are many tokens it
 * is not: those that ask go first.
 */
export function isTokenReplaced(live: number): boolean {
  return live <= manyLiveTokens;
}
