import { signal } from '@preact/signals';
import type { TextStorage } from '../../src/client/index.js';
import type { Action, VaultPlace } from './actions.js';
import type { Kept } from './fate.js';

/** What a wallet was asked to send, from before it was asked until its end is known and seen. */
export interface KeptAction extends Kept {
  id: string;
  wallet: string;
  place: VaultPlace;
  action: Action;
  /** Events before it are of something else. */
  fromBlock: number;
}

const name = 'worldland-chain';
/** Nobody has so many on their way. */
const most = 20;

/**
 * What this tab has asked wallets to send. It stands in the tab before a wallet is asked: a page that is left meanwhile
 * never hears of the answer, and finds out from the chain.
 */
export function keepActions(
  storage: TextStorage | undefined = (globalThis as { sessionStorage?: TextStorage }).sessionStorage,
) {
  const all = signal<readonly KeptAction[]>(stored(storage));
  const set = (next: readonly KeptAction[]) => {
    all.value = next.slice(-most);
    try {
      if (next.length === 0) storage?.removeItem(name);
      else storage?.setItem(name, JSON.stringify(all.value));
    } catch {
      // A browser that stores nothing: they are known until the page is left.
    }
  };
  return {
    all,
    add: (kept: KeptAction) => set([...all.peek(), kept]),
    change: (id: string, change: Partial<KeptAction>) =>
      set(all.peek().map((kept) => (kept.id === id ? { ...kept, ...change } : kept))),
    drop: (id: string) => set(all.peek().filter((kept) => kept.id !== id)),
  };
}

function stored(storage: TextStorage | undefined): KeptAction[] {
  try {
    const found = JSON.parse(storage?.getItem(name) ?? '[]') as unknown;
    return Array.isArray(found) ? found.filter(isKept) : [];
  } catch {
    return [];
  }
}

/** What another version of this page kept is not followed. */
function isKept(found: unknown): found is KeptAction {
  const { id, wallet, place, action, fromBlock, nonce, askedAtMs } = (found ?? {}) as Record<string, unknown>;
  const { chainId, vault, token } = (place ?? {}) as Record<string, unknown>;
  const texts = [id, wallet, vault, token, (action as { kind?: unknown } | undefined)?.kind];
  const numbers = [chainId, fromBlock, nonce, askedAtMs];
  return texts.every((each) => typeof each === 'string') && numbers.every((each) => typeof each === 'number');
}
