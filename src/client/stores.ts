import type { Scope } from '../wire/scopes.js';

/** What a login leaves behind. Whoever has `privateKey` or `token` can use the session until it ends. */
export interface StoredSession {
  /** In lower case, as all addresses here. */
  wallet: string;
  sessionId: string;
  /** The address of the session key. */
  sessionKey: string;
  /** Absent where only a token may be kept: in a page. */
  privateKey?: `0x${string}`;
  audience: string;
  chainId: number;
  scopes: Scope[];
  /** Base units. */
  spendLimit: string;
  /** RFC 3339, as the times below. */
  expiresAt: string;
  token?: { value: string; id: string; mintedAt: string; expiresAt: string };
}

/** Keeps logins, one for each broker. `broker` is the address that `connect` was given, without a last slash. */
export interface Store {
  /** Whether session keys may be kept here. False: only their tokens are. */
  readonly keepsKeys: boolean;
  load(broker: string): Promise<StoredSession | undefined>;
  save(broker: string, session: StoredSession): Promise<void>;
  remove(broker: string): Promise<void>;
}

/** Forgets everything when the process or page ends. */
export function memoryStore(): Store {
  const sessions = new Map<string, StoredSession>();
  return {
    keepsKeys: true,
    load: async (broker) => sessions.get(broker),
    save: async (broker, session) => void sessions.set(broker, session),
    remove: async (broker) => void sessions.delete(broker),
  };
}

/** The part of a browser's `sessionStorage` that is used. */
export interface TextStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/**
 * Keeps the token in a browser's tab, so that a reload stays logged in. It never holds a session key: any script of
 * the page can read it.
 *
 * @throws TypeError from `save` if it is given a session key.
 */
export function sessionStorageStore(
  storage: TextStorage = (globalThis as unknown as { sessionStorage: TextStorage }).sessionStorage,
): Store {
  const name = (broker: string) => `worldland:${broker}`;
  return {
    keepsKeys: false,
    async load(broker) {
      const text = storage.getItem(name(broker));
      try {
        return text === null ? undefined : (JSON.parse(text) as StoredSession);
      } catch {
        return undefined;
      }
    },
    async save(broker, session) {
      if (session.privateKey !== undefined) throw new TypeError('sessionStorage must not hold a session key');
      storage.setItem(name(broker), JSON.stringify(session));
    },
    async remove(broker) {
      storage.removeItem(name(broker));
    },
  };
}
