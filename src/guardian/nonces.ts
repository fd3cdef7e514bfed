/** So many transactions of the guardian's key may be none of this process: a person sends some by hand. */
const mostUnknown = 50;

/** The first nonce from `count` on that none of these have. */
function firstFree(count: number, taken: ReadonlySet<number>): number {
  let nonce = count;
  while (taken.has(nonce)) nonce++;
  return nonce;
}

/**
 * Which of the nodes' words about how many transactions of a wallet were mined may be true, lowest first. Nobody else has
 * its key, so it cannot be fewer than all nodes once agreed on, and not many more than were signed since.
 *
 * @param agreed undefined while they have not agreed yet: then each may be true.
 */
export function possibleCounts(
  said: readonly number[],
  agreed: number | undefined,
  signed: ReadonlySet<number>,
): number[] {
  const all = [...new Set(said)].filter((count) => Number.isSafeInteger(count) && count >= 0).sort((a, b) => a - b);
  // All of them say the same: whatever was agreed on before, the chain has taken back or got more.
  if (agreed === undefined || all.length < 2) return all;
  const most = firstFree(agreed, signed) + mostUnknown;
  const possible = all.filter((count) => count >= agreed && count <= most);
  return possible.length === 0 ? all : possible;
}

/**
 * Which nonce a call has, if so many transactions were mined: that which it has already, where nothing is missing before
 * it; or else the first that is free.
 */
export function nonceOf(count: number, own: readonly number[], signed: ReadonlySet<number>): number {
  const free = firstFree(count, signed);
  return own.find((nonce) => nonce >= count && nonce < free) ?? free;
}
