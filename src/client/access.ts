import type { Scope } from '../wire/scopes.js';
import type { Caller } from './caller.js';
import { isCode } from './errors.js';
import type { SessionInfo } from './credentials.js';
import type { Broker, HandOff, LoginOptions } from './login.js';
import type { MarketApi } from './market.js';
import type { Billing, ListedSession, MintedToken, Site, SshKey, Whoami } from './shapes.js';
import type { StoredSession } from './stores.js';
import { timeOf } from './time-of.js';
import type { Signer } from './wallet.js';

/** A hand-off whose `finish` also takes the session into use. */
export type PendingLogin = Omit<HandOff, 'finish'> & {
  finish(signed: Parameters<HandOff['finish']>[0]): Promise<SessionInfo>;
};

export interface AccessApi {
  /** The login in use; undefined before the first request has read it from the store. */
  readonly session: SessionInfo | undefined;
  /** Reads the login from the store, without asking the broker whether it still stands. */
  restore(): Promise<SessionInfo | undefined>;
  /**
   * Logs a wallet in. What the broker proposes is compared with what was asked for before the wallet is asked.
   *
   * @throws WorldLandError `protocol` with `data.field` if the broker proposes something else; `wallet_rejected`;
   *   `wallet_wrong_chain`
   */
  login(options: LoginOptions): Promise<SessionInfo>;
  /** Begins a login that a wallet signs elsewhere, such as on the broker's own page. */
  beginLogin(options: Omit<LoginOptions, 'wallet'>): Promise<PendingLogin>;
  /** Ends the session, or all of the wallet's, and forgets it here, even if the broker is not there. */
  logout(options?: { everywhere?: boolean }): Promise<void>;
  /** Whom the credential speaks for, and what it may still spend. */
  whoami(): Promise<Whoami>;
  /** Has the wallet itself end one or all of its sessions: for a session key that is lost. */
  revokeByWallet(options: { wallet: Signer; sessionKey?: string; chainId?: number }): Promise<void>;
  tokens: {
    create(options?: { scopes?: readonly Scope[]; ttlSeconds?: number }): Promise<MintedToken>;
    revoke(tokenId: string): Promise<void>;
  };
  sessions: {
    list(): Promise<ListedSession[]>;
    revoke(sessionId: string): Promise<void>;
  };
  sshKeys: {
    list(): Promise<SshKey[]>;
    add(key: { name: string; publicKey: string }): Promise<SshKey>;
    remove(keyId: string): Promise<void>;
  };
  billing(query?: {
    from?: Date | string;
    to?: Date | string;
    by?: 'job' | 'day' | 'provider' | 'gpu_type' | 'session';
  }): Promise<Billing>;
}

export function createAccess(caller: Caller, { site }: Pick<MarketApi, 'site'>): AccessApi {
  const { credentials } = caller;

  const broker = (signal?: AbortSignal): Broker => ({
    audience: caller.audience,
    skewS: credentials.skewS,
    signal,
    async post<T>(route: string, body: unknown, sign?: Parameters<Broker['post']>[2]): Promise<T> {
      const headers = sign === undefined ? {} : await sign(caller.targetOf(route), JSON.stringify(body));
      return await caller.call(route, { body, headers, signal, auth: 'none', safe: route.endsWith('/challenge') });
    },
    /** An older broker does not say these things. */
    async facts() {
      const said = await site().catch((error: unknown) => {
        if (isCode(error, 'not_found')) return undefined;
        throw error;
      });
      const { auth, token } = said ?? ({} as Partial<Site>);
      const { chain_ids: chainIds } = auth ?? {};
      const { decimals } = token ?? {};
      return {
        ...(Array.isArray(chainIds) && chainIds.length > 0 ? { chainIds } : {}),
        ...(typeof decimals === 'number' ? { decimals } : {}),
      };
    },
  });

  const take = async (opened: StoredSession, from: Broker): Promise<SessionInfo> => {
    credentials.setSkew(from.skewS);
    await credentials.keep(opened);
    return credentials.info!;
  };

  return {
    get session() {
      return credentials.info;
    },
    restore: () => credentials.restore(),
    async login(options) {
      const { login } = await import('./login.js');
      const at = broker(options.signal);
      return await take(await login(at, options), at);
    },
    async beginLogin(options) {
      const { handOff } = await import('./login.js');
      const at = broker(options.signal);
      const { finish, ...begun } = await handOff(at, options);
      return { ...begun, finish: async (signed) => await take(await finish(signed), at) };
    },
    async logout({ everywhere = false } = {}) {
      try {
        const session = await credentials.restore();
        if (session === undefined) return;
        if (everywhere) await caller.call('DELETE /api/v1/auth/sessions');
        else await caller.call('DELETE /api/v1/auth/sessions/:id', { params: { id: session.sessionId } });
      } finally {
        await credentials.forget();
      }
    },
    whoami: () => caller.call('GET /api/v1/auth/me'),
    async revokeByWallet(options) {
      const { revokeByWallet } = await import('./login.js');
      await revokeByWallet(broker(), options);
    },
    tokens: {
      create: ({ scopes, ttlSeconds } = {}) =>
        caller.call('POST /api/v1/auth/tokens', { body: { scopes, ttl_seconds: ttlSeconds } }),
      revoke: (id) => caller.call('DELETE /api/v1/auth/tokens/:id', { params: { id } }),
    },
    sessions: {
      list: async () => (await caller.call<{ sessions: ListedSession[] }>('GET /api/v1/auth/sessions')).sessions,
      revoke: (id) => caller.call('DELETE /api/v1/auth/sessions/:id', { params: { id } }),
    },
    sshKeys: {
      list: async () => (await caller.call<{ keys: SshKey[] }>('GET /api/v1/ssh-keys')).keys,
      add: ({ name, publicKey }) => caller.call('POST /api/v1/ssh-keys', { body: { name, public_key: publicKey } }),
      remove: (id) => caller.call('DELETE /api/v1/ssh-keys/:id', { params: { id } }),
    },
    billing: ({ from, to, by } = {}) =>
      caller.call('GET /api/v1/billing', { query: { from: timeOf(from), to: timeOf(to), by } }),
  };
}
