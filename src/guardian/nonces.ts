/** So many transactions of the guardian's key may be none of this process: a person sends some by hand. */
const mostUnknown = 50;
/** So many that were mined may be taken back in a reorganisation. */
const mostTakenBack = 3;
/** No wallet has sent more; what is more could not be signed. */
const mostEver = 2 ** 40;

/** What all nodes last said of how many transactions were mined, and how many nonces were first signed for since. */
export interface WalletCount {
  agreed: number;
  signedSince: number;
}

/** The first nonce from `count` on that none of these have. */
function firstFree(count: number, taken: ReadonlySet<number>): number {
  let nonce = count;
  while (taken.has(nonce)) nonce++;
  return nonce;
}

/**
 * Which of the nodes' words about how many transactions of a wallet were mined may be true, lowest first. Nobody else has
 * its key, so it cannot be far fewer than all nodes once agreed on, and not many more than were signed since. That which
 * they agreed on may be true still while a node does not answer: those that do are not believed alone.
 *
 * @param known undefined while they have not agreed yet: then each may be true.
 */
export function possibleCounts(
  { said, isComplete }: { said: readonly number[]; isComplete: boolean },
  known: WalletCount | undefined,
): number[] {
  const named = known === undefined || isComplete ? said : [...said, known.agreed];
  const all = [...new Set(named)].filter(isPossible).sort((a, b) => a - b);
  // All of them say the same: whatever was agreed on before, the chain has taken back or got more.
  if (known === undefined || all.length < 2) return all;
  const [least, most] = [known.agreed - mostTakenBack, known.agreed + known.signedSince + mostUnknown];
  const possible = all.filter((count) => count >= least && count <= most);
  return possible.length === 0 ? all : possible;
}

/** What all nodes say alike; undefined while one of them says something else or nothing. */
export function agreedCount({ said, isComplete }: { said: readonly number[]; isComplete: boolean }) {
  const [count, ...others] = new Set(said);
  return isComplete && others.length === 0 && count !== undefined && isPossible(count) ? count : undefined;
}

const isPossible = (count: number) => Number.isSafeInteger(count) && count >= 0 && count <= mostEver;

/**
 * Which nonce a call has, if so many transactions were mined: that which it has already, where nothing is missing before
 * it; or else the first that is free.
 */
export function nonceOf(count: number, own: readonly number[], signed: ReadonlySet<number>): number {
  const free = firstFree(count, signed);
  return own.find((nonce) => nonce >= count && nonce < free) ?? free;
}

/**
 * What a node needs to have a call mined, lowest nonce first: what it has not mined yet up to that call, as far as nothing is
 * missing between; and all that is signed for the call itself, because the node may be wrong about the rest.
 *
 * @param count how many transactions of the wallet the node says were mined; undefined where it does not say.
 */
export function neededBy<C extends { nonce: number; purpose: string }>(
  count: number | undefined,
  calls: readonly C[],
  purpose: string,
): C[] {
  const last = Math.max(-1, ...calls.filter((call) => call.purpose === purpose).map(({ nonce }) => nonce));
  const until = count === undefined ? Infinity : firstFree(count, new Set(calls.map(({ nonce }) => nonce)));
  return calls
    .filter(
      (call) => call.purpose === purpose || (call.nonce >= (count ?? 0) && call.nonce < until && call.nonce <= last),
    )
    .toSorted((a, b) => a.nonce - b.nonce);
}
