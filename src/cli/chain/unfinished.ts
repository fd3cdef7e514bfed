import { join } from 'node:path';
import { isAddress, isHex, type Address, type Hex } from 'viem';
import type { Context } from '../context.js';
import { usage } from '../failure.js';
import { readPrivate, writePrivate } from '../files/private-file.js';
import type { Call } from './calls.js';

/** A transaction that was sent, or is about to be: it is written down first. */
export interface SentCall {
  what: Call['what'];
  /** As a person reads it. */
  words: string;
  /** All that were sent for it, with one nonce: the first that is mined counts. */
  hashes: Hex[];
  /** The same, signed; absent where a wallet signs and sends in one. */
  raw: Hex[];
}

/** What a person asked for and is not final yet. A wallet has one of these at a time in each vault. */
export interface Unfinished {
  chainId: number;
  vault: Address;
  wallet: Address;
  action: string;
  /** What was asked for, so that the same command goes on with it and another one does not. */
  asked: string;
  /** For people, such as `the deposit of 25 USDT`. */
  words: string;
  startedAt: string;
  sent: SentCall[];
}

export interface UnfinishedFile {
  find(of: Pick<Unfinished, 'chainId' | 'vault' | 'wallet'>): Unfinished | undefined;
  keep(record: Unfinished): void;
  forget(record: Unfinished): void;
}

const isSame = (a: Pick<Unfinished, 'chainId' | 'vault' | 'wallet'>) => (b: Unfinished) =>
  a.chainId === b.chainId && a.vault === b.vault && a.wallet === b.wallet;

/** Keeps what was sent and is not final, so that a command that was interrupted goes on and sends nothing twice. */
export function unfinishedFile(folder: string): UnfinishedFile {
  const path = join(folder, 'unfinished.json');
  const read = (): Unfinished[] => {
    const text = readPrivate(path);
    return text === undefined ? [] : parsed(text, path);
  };
  const write = (all: readonly Unfinished[]) => writePrivate(path, `${JSON.stringify(all, null, 2)}\n`);
  return {
    find: (of) => read().find(isSame(of)),
    keep: (record) => write([...read().filter((each) => !isSame(record)(each)), record]),
    forget: (record) => write(read().filter((each) => !isSame(record)(each))),
  };
}

/** What a wallet has begun in a vault. */
type Whose = { chainId: number; address: Address; wallet: Address };

export function unfinishedOf({ folder }: Context, { chainId, address, wallet }: Whose): Unfinished | undefined {
  return unfinishedFile(folder).find({ chainId, vault: address, wallet });
}

/** Gives up what was begun. Something that was sent may still be mined. */
export function forgetUnfinished(context: Context, whose: Whose): void {
  const before = unfinishedOf(context, whose);
  if (before === undefined) throw usage('nothing was begun that is not final');
  unfinishedFile(context.folder).forget(before);
  context.screen.note(`${before.words} is forgotten here. What was sent of it may still be mined: wl balance`);
}

function parsed(text: string, path: string): Unfinished[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (Array.isArray(value) && value.every(isRecord)) return value;
  // Whoever sends again what was sent already pays twice, so this is not passed over.
  throw usage(
    `${path} cannot be read: it says what was sent to a vault and is not final yet`,
    'look at wl balance first; then delete it',
  );
}

function isRecord(value: unknown): value is Unfinished {
  const { chainId, vault, wallet, action, asked, words, startedAt, sent } = (value ?? {}) as Partial<Unfinished>;
  const texts = [action, asked, words, startedAt].every((text) => typeof text === 'string');
  return typeof chainId === 'number' && isAddress(vault ?? '') && isAddress(wallet ?? '') && texts && areSent(sent);
}

function areSent(value: unknown): value is SentCall[] {
  return (
    Array.isArray(value) &&
    value.every(({ hashes, raw }: Partial<SentCall>) =>
      [hashes, raw].every((all) => Array.isArray(all) && all.every((each) => isHex(each))),
    )
  );
}
