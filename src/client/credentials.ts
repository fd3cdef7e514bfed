import type { Scope } from '../wire/scopes.js';
import { WorldLandError } from './errors.js';
import type { Store, StoredSession } from './stores.js';

/** A login, without what is secret about it. */
export interface SessionInfo {
  wallet: string;
  sessionId: string;
  /** The address of the session key. */
  sessionKey: string;
  scopes: readonly Scope[];
  /** Base units. */
  spendLimit: string;
  expiresAt: Date;
  /** Whether requests can be signed, as operators' routes require. False where only a token is kept. */
  canSign: boolean;
}

export interface ToSign {
  method: string;
  /** Path and query as they are sent. */
  target: string;
  body: string;
}

/** The two credentials of a session, and which one a request takes. */
export interface Credentials {
  /** The login that is in use; read from the store at the first request. */
  readonly info: SessionInfo | undefined;
  restore(): Promise<SessionInfo | undefined>;
  keep(session: StoredSession): Promise<void>;
  forget(): Promise<void>;
  /** Headers of a bearer token; none without a login. */
  bearer(mint: Mint): Promise<Record<string, string>>;
  /** A token that the broker did not accept is not used again. False if there is no way to another one. */
  dropToken(): boolean;
  /** Headers that sign a request. @throws WorldLandError `not_logged_in` */
  signed(request: ToSign): Promise<Record<string, string>>;
  /** Sets the clock to the broker's. */
  setClock(serverTimeS: number): void;
  /** Seconds to add to this computer's clock. */
  readonly skewS: number;
  setSkew(seconds: number): void;
}

/** Creates a token by a signed request. */
export type Mint = () => Promise<{ token: string; token_id: string; expires_at: string }>;

/** A token is replaced when this part of its life is over, so that none expires on its way to the broker. */
const usedPart = 0.8;

export function createCredentials({
  broker,
  store,
  token: fixedToken,
}: {
  broker: string;
  store: Store;
  token: string | undefined;
}): Credentials {
  let session: StoredSession | undefined;
  let restoring: Promise<void> | undefined;
  let minting: Promise<string> | undefined;
  let skewS = 0;
  const nowMs = () => Date.now() + skewS * 1000;

  const restored = async () => {
    restoring ??= store.load(broker).then((found) => void (session ??= found));
    await restoring.catch((error: unknown) => {
      restoring = undefined;
      throw error;
    });
    return session;
  };

  const save = async (kept: StoredSession) => {
    const { privateKey: _, ...withoutKey } = kept;
    await store.save(broker, store.keepsKeys ? kept : withoutKey);
  };

  const tokenOf = async (held: StoredSession, mint: Mint): Promise<string> => {
    const { token } = held;
    // With no key there is no other token, and this computer's clock may be hours wrong: the broker decides.
    if (held.privateKey === undefined) {
      if (token !== undefined) return token.value;
      throw new WorldLandError('not_logged_in', 'the login has expired: log in again');
    }
    if (token !== undefined) {
      const from = Date.parse(token.mintedAt);
      const until = Date.parse(token.expiresAt);
      if (nowMs() < from + (until - from) * usedPart) return token.value;
    }
    minting ??= (async () => {
      const minted = await mint();
      const mintedAt = new Date(nowMs()).toISOString();
      held.token = { value: minted.token, id: minted.token_id, mintedAt, expiresAt: minted.expires_at };
      if (session === held) await save(held);
      return minted.token;
    })().finally(() => (minting = undefined));
    return await minting;
  };

  return {
    get info() {
      return session === undefined ? undefined : infoOf(session);
    },
    get skewS() {
      return skewS;
    },
    async restore() {
      const found = await restored();
      return found === undefined ? undefined : infoOf(found);
    },
    async keep(opened) {
      session = opened;
      restoring = Promise.resolve();
      minting = undefined;
      // Where no key may be kept, the token is what survives: it is saved once it is made.
      if (store.keepsKeys) await save(opened);
    },
    async forget() {
      session = undefined;
      restoring = Promise.resolve();
      minting = undefined;
      await store.remove(broker);
    },
    async bearer(mint) {
      if (fixedToken !== undefined) return { authorization: `Bearer ${fixedToken}` };
      const held = await restored();
      return held === undefined ? {} : { authorization: `Bearer ${await tokenOf(held, mint)}` };
    },
    dropToken() {
      if (fixedToken !== undefined || session?.token === undefined) return false;
      delete session.token;
      return session.privateKey !== undefined;
    },
    async signed({ method, target, body }) {
      const held = await restored();
      if (held?.privateKey === undefined) {
        const why = fixedToken === undefined && held === undefined ? 'log in first' : 'a token is not enough: log in';
        throw new WorldLandError('not_logged_in', `this request has to be signed by a session key: ${why}`);
      }
      const { signedHeaders } = await import('./signing.js');
      const timestampS = Math.floor(nowMs() / 1000);
      return await signedHeaders(held.privateKey, { audience: held.audience, method, target, body, timestampS });
    },
    setSkew(seconds) {
      skewS = seconds;
    },
    setClock(serverTimeS) {
      skewS = serverTimeS - Math.floor(Date.now() / 1000);
    },
  };
}

function infoOf({ wallet, sessionId, sessionKey, scopes, spendLimit, expiresAt, privateKey }: StoredSession) {
  const canSign = privateKey !== undefined;
  return { wallet, sessionId, sessionKey, scopes, spendLimit, expiresAt: new Date(expiresAt), canSign };
}
