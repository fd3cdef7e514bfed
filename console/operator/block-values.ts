export const blockKinds = ['wallet', 'provider', 'image'] as const;

export type BlockKind = (typeof blockKinds)[number];

/** What each kind keeps out, and what goes on. */
export const blockEffects: Readonly<Record<BlockKind, string>> = {
  wallet: 'It can neither log in, order nor extend. Its jobs run on, and it can still read and end them.',
  provider: 'It can neither register nor get new jobs. Its running jobs go on.',
  image: 'No job of it is taken. Jobs that run it go on.',
};

/** What is wrong with a value; undefined if nothing is. The broker looks again. */
export function blockProblem(kind: BlockKind, value: string): string | undefined {
  const text = value.trim();
  if (text === '') return 'Say what to block.';
  if (kind === 'wallet' && !/^0x[0-9a-fA-F]{40}$/.test(text)) return 'A wallet is 0x and 40 hex digits.';
  if (kind === 'provider' && !/^[a-z0-9][a-z0-9-]{1,58}[a-z0-9]$/.test(text)) return 'That is the id of no provider.';
  if (kind === 'image' && (text.length > 512 || /\s/.test(text)))
    return 'An image is a name such as docker.io/evil/miner.';
  return undefined;
}

const hour = 3_600_000;

/** How long a block lasts, as people choose it. */
export const blockEnds = [
  ['never', 'until it is taken back', undefined],
  ['day', 'for a day', 24 * hour],
  ['week', 'for a week', 7 * 24 * hour],
  ['month', 'for 30 days', 30 * 24 * hour],
] as const;

/** The end of a block that begins now; null for none. */
export function blockEnd(choice: string, nowMs: number): string | null {
  const lasts = blockEnds.find(([name]) => name === choice)?.[2];
  return lasts === undefined ? null : new Date(nowMs + lasts).toISOString();
}
