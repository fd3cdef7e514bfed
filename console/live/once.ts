import type { TextStorage } from '../../src/client/index.js';
import { outcomeOf } from './outcome.js';

/** What was sent, for each intention whose outcome is not known, or not known yet. */
export interface Unanswered<Sent> {
  get(intention: string): Sent | undefined;
  set(intention: string, sent: Sent): void;
  delete(intention: string): void;
}

export interface Once<Sent> {
  /**
   * Does what a person asks for, once: what is asked again while it is under way is the same, and so is what is asked
   * again after an answer was lost. Then the same is sent again, with the same Idempotency-Key.
   *
   * @param intention from `intentionOf`.
   * @param make what is sent; it is not called where an earlier attempt is unanswered. Undefined: nothing after all.
   */
  run<T>(
    intention: string,
    make: () => Sent | undefined | Promise<Sent | undefined>,
    send: (sent: Sent) => Promise<T>,
  ): Promise<T | undefined>;
}

/**
 * One for each kind of action that spends. An intention is forgotten once the broker has said what became of it: the
 * same once more is then meant to be done once more.
 */
export function createOnce<Sent>(unanswered: Unanswered<Sent> = new Map<string, Sent>()): Once<Sent> {
  const running = new Map<string, Promise<unknown>>();

  async function attempt<T>(
    intention: string,
    make: () => Sent | undefined | Promise<Sent | undefined>,
    send: (sent: Sent) => Promise<T>,
  ): Promise<T | undefined> {
    const earlier = unanswered.get(intention);
    const sent = earlier ?? (await make());
    if (sent === undefined) return undefined;
    // Before it leaves: a page that is reloaded meanwhile never hears of the answer.
    unanswered.set(intention, sent);
    try {
      const done = await send(sent);
      unanswered.delete(intention);
      return done;
    } catch (error) {
      const outcome = outcomeOf(error);
      if (outcome === 'refused' || (outcome === 'unsent' && earlier === undefined)) unanswered.delete(intention);
      throw error;
    }
  }

  return {
    run<T>(...[intention, make, send]: Parameters<typeof attempt<T>>) {
      const same = running.get(intention) as Promise<T | undefined> | undefined;
      if (same !== undefined) return same;
      const begun = attempt(intention, make, send).finally(() => running.delete(intention));
      running.set(intention, begun);
      return begun;
    },
  };
}

/** A wallet's wish, in all that makes it this one and no other. */
export function intentionOf(wallet: string | undefined, ...what: readonly unknown[]): string {
  return JSON.stringify([wallet ?? '', ...what]);
}

/** Random enough that no two intentions ever share one. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Far more than one person has unanswered at a time. */
const mostKept = 50;

/**
 * Keeps the keys of unanswered intentions in the tab, so that a reload does not pay twice. For intentions that hold no
 * secret: any script of the page can read them.
 */
export function keptInTab(
  name: string,
  storage: TextStorage | undefined = (globalThis as { sessionStorage?: TextStorage }).sessionStorage,
): Unanswered<string> {
  const keys = new Map(storedEntries(name, storage));
  const store = () => {
    const entries = [...keys].slice(-mostKept);
    try {
      if (entries.length === 0) storage?.removeItem(name);
      else storage?.setItem(name, JSON.stringify(entries));
    } catch {
      // A browser that stores nothing: they are known until the page is left.
    }
  };
  return {
    get: (intention) => keys.get(intention),
    set(intention, key) {
      keys.set(intention, key);
      store();
    },
    delete(intention) {
      if (keys.delete(intention)) store();
    },
  };
}

function storedEntries(name: string, storage: TextStorage | undefined): [string, string][] {
  try {
    const found = JSON.parse(storage?.getItem(name) ?? '[]') as unknown;
    return Array.isArray(found) ? found.filter(isEntry) : [];
  } catch {
    return [];
  }
}

const isEntry = (found: unknown): found is [string, string] =>
  Array.isArray(found) && found.length === 2 && found.every((part) => typeof part === 'string');
