/** A transaction as it was kept before the wallet was asked for it. */
export interface Kept {
  /** Absent: the wallet has not answered, or the page was left before it did. */
  hash?: string;
  /** How many the account had sent before. */
  nonce: number;
  askedAtMs: number;
}

/** What a node says at one look. */
export interface Look {
  nowMs: number;
  /** Of the transaction that the wallet named. */
  receipt?: { isDone: boolean; block: number };
  /** Whether the node has the transaction, in a block or waiting for one. */
  isKnown: boolean;
  /** How many transactions of the account are in blocks. */
  nonce: number;
  /** The first one since then that did what was asked for, whichever it is. */
  event?: { hash: string; block: number };
  /** The same was so at the look before: a node may be behind with one of its answers. */
  isSecond: boolean;
}

export type Fate =
  /** The wallet still shows it, or it was closed, or the page never heard of it. */
  | { is: 'asked' }
  /** @param isSlow for longer than a chain needs. */
  | { is: 'waiting'; isSlow: boolean }
  /** No node has it any more, and nothing has taken its place. */
  | { is: 'dropped' }
  /** @param hash not the one that was sent where the wallet has sent it anew, such as with more gas. */
  | { is: 'mined'; hash: string; block: number }
  | { is: 'reverted'; block: number }
  /** Another transaction of the account has its place, and did something else. */
  | { is: 'replaced' };

/** Longer than any chain takes whose fee was met. */
const slowAfterMs = 180_000;

/**
 * What became of a transaction, from what the chain says now: so it is the same after a reload, a lost answer, a
 * transaction that was sent anew with more gas, and a block that was taken back.
 */
export function fateOf({ hash, nonce, askedAtMs }: Kept, look: Look): Fate {
  const { receipt, event } = look;
  if (receipt?.isDone === false) return { is: 'reverted', block: receipt.block };
  if (receipt !== undefined && hash !== undefined) return { is: 'mined', hash, block: receipt.block };
  // While the one that was named still waits, the same may have been done by an earlier one.
  const isOver = hash === undefined || look.nonce > nonce;
  if (event !== undefined && (isOver || event.hash === hash)) return { is: 'mined', ...event };
  if (hash === undefined) return { is: 'asked' };
  if (isOver) return look.isSecond ? { is: 'replaced' } : { is: 'waiting', isSlow: false };
  const isSlow = look.nowMs - askedAtMs > slowAfterMs;
  return isSlow && !look.isKnown && look.isSecond ? { is: 'dropped' } : { is: 'waiting', isSlow };
}
