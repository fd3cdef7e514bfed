/** What was signed for a nonce although not all nodes said that the vault would take it. */
export interface Disputed {
  /** The host of a node that said so. */
  node: string;
  purpose: string;
  atMs: number;
}

const dayMs = 24 * 3_600_000;
/** On the word of one node alone. It costs what as many refused calls cost, and is seen in an alarm long before. */
const mostADay = 100;
const firstWaitMs = 60_000;

/**
 * Whether a call may be signed for one more nonce on the word of these nodes alone. Each of them answers for what it says:
 * one that shows settlements which do not exist uses up its own share of the wallet, and not that of a node which shows one
 * that does. What was signed before and is asked for again waits twice as long each time.
 */
export function mayBeSigned(
  before: readonly Disputed[],
  { nodes, purpose, nowMs }: { nodes: readonly string[]; purpose: string; nowMs: number },
): boolean {
  const today = sinceADay(before, nowMs);
  return nodes.some((node) => {
    const ofNode = today.filter((each) => each.node === node);
    const same = ofNode.filter((each) => each.purpose === purpose);
    const lastMs = Math.max(0, ...same.map(({ atMs }) => atMs));
    const waitMs = same.length === 0 ? 0 : firstWaitMs * 2 ** (same.length - 1);
    return ofNode.length < mostADay && nowMs - lastMs >= waitMs;
  });
}

/** Those that still count. */
export function sinceADay(before: readonly Disputed[], nowMs: number): Disputed[] {
  return before.filter(({ atMs }) => atMs > nowMs - dayMs && atMs <= nowMs);
}
