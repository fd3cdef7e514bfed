import { effect, signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { login } from '../live/index.js';
import { chainReads } from './chain-reads.js';
import { fateOf, type Fate } from './fate.js';
import { keepActions, type KeptAction } from './kept-actions.js';
import { ownWallet, useOwnWallet } from './own-wallet.js';

export const kept = keepActions();

/** What is known of each action that is kept, by its id. */
export const fates = signal<Readonly<Record<string, Fate>>>({});
/** Why nothing can be learnt at the moment: no wallet, or it is on another chain, or its node fails. */
export const blind = signal<'no wallet' | 'other chain' | 'no answer' | undefined>(undefined);

const everyMs = 3_000;
/** How many transactions of its account were in blocks at the look before, by the id of an action. */
const lookedAt = new Map<string, number>();
let isLooking = false;

/** Follows what this tab has asked wallets to send, while the page that uses this is open and visible. */
export function useFollowing(): void {
  useOwnWallet();
  useEffect(() => {
    const look = () => {
      if (!document.hidden) void lookOnce();
    };
    const stop = effect(() => {
      void ownWallet.value;
      void kept.all.value;
      queueMicrotask(look);
    });
    const timer = setInterval(look, everyMs);
    return () => {
      stop();
      clearInterval(timer);
    };
  }, []);
}

/** What the connected wallet was asked for. */
export function ownActions(): readonly KeptAction[] {
  const wallet = login.value?.wallet.toLowerCase();
  return kept.all.value.filter((each) => each.wallet.toLowerCase() === wallet);
}

async function lookOnce(): Promise<void> {
  const own = ownWallet.peek();
  const mine = kept.all.peek().filter((each) => each.wallet.toLowerCase() === login.peek()?.wallet.toLowerCase());
  if (isLooking || mine.length === 0) return;
  if (own === undefined || own.account !== mine[0]!.wallet.toLowerCase()) {
    blind.value = 'no wallet';
    return;
  }
  isLooking = true;
  try {
    const reads = chainReads(own.wallet.provider);
    const chainId = await reads.chainId();
    const there = mine.filter(({ place }) => place.chainId === chainId);
    for (const each of there) await lookAt(each, reads);
    blind.value = there.length < mine.length ? 'other chain' : undefined;
  } catch {
    blind.value = 'no answer';
  } finally {
    isLooking = false;
  }
}

async function lookAt(one: KeptAction, reads: ReturnType<typeof chainReads>): Promise<void> {
  const found = await reads.look(one, one.wallet, one.place);
  const nonce = found.nonceOf ?? one.nonce;
  if (nonce !== one.nonce) kept.change(one.id, { nonce });
  const wasPassed = lookedAt.get(one.id);
  const isSecond = wasPassed !== undefined && wasPassed === found.nonce;
  lookedAt.set(one.id, found.nonce);
  const now = kept.all.peek().find(({ id }) => id === one.id);
  if (now === undefined) return;
  const fate = fateOf({ ...now, nonce }, { ...found, nowMs: Date.now(), isSecond });
  fates.value = { ...fates.peek(), [one.id]: fate };
}

/**
 * Waits until an action is in a block.
 *
 * @throws the reason of the signal; `ActionRefusal` if it will never be.
 */
export async function mined(id: string, waiting: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const stop = effect(() => {
      const fate = fates.value[id];
      if (fate?.is === 'mined') end(resolve);
      else if (fate !== undefined && isOver(fate)) end(() => reject(new ActionRefusal(overInWords(fate))));
    });
    const end = (how: () => void) => {
      queueMicrotask(() => stop());
      how();
    };
    waiting.addEventListener('abort', () => end(() => reject(waiting.reason as Error)));
  });
}

/** A transaction that will never do what it was sent for. */
export class ActionRefusal extends Error {
  override readonly name = 'ActionRefusal';
}

export type Over = Extract<Fate, { is: 'reverted' | 'replaced' | 'dropped' }>;

export const isOver = (fate: Fate): fate is Over =>
  fate.is === 'reverted' || fate.is === 'replaced' || fate.is === 'dropped';

export function overInWords({ is }: Over): string {
  switch (is) {
    case 'reverted':
      return 'The chain took the transaction and refused what it asks for. Nothing was moved but the gas. Try again.';
    case 'replaced':
      return 'Your wallet has sent another transaction in its place, such as by “cancel”. This one will never be done.';
    case 'dropped':
      return 'The chain no longer knows the transaction: its fee was too low for too long. Send it again.';
  }
}
