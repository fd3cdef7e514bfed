import { createAccess } from './access.js';
import { createCaller, type Method } from './caller.js';
import type { Reply } from './exchange.js';
import { createMarket } from './market.js';
import type { MintedToken } from './shapes.js';
import type { LocalSigner } from './wallet.js';
import type { Scope } from '../wire/scopes.js';

export type { Reply } from './exchange.js';

export interface LoginOptions {
  /** The API's address, such as `https://broker.example.com`, with the path that a proxy removes, if any. */
  api: string;
  /** The wallet. It signs once. */
  account: LocalSigner;
  /** Default: `jobs:read` and `jobs:write`. */
  scopes?: readonly Scope[];
  /** Base units that this session's jobs may cost together. Default: 0, so only jobs that cost nothing. */
  spendLimit?: bigint;
  ttlSeconds?: number;
  chainId?: number;
  label?: string;
  /** The broker's public origin, if it differs from that of `api` (behind a port forward, for example). */
  audience?: string;
}

/** A login whose every request is signed, and whose every answer is returned: for programs that look at both. */
export interface Session {
  /** The wallet's address in lower case. */
  wallet: string;
  sessionId: string;
  sessionKey: string;
  expiresAt: Date;
  /**
   * Sends a signed request; `path` begins with `/` and includes the query. Returns the response whatever its status.
   */
  request(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  /** Creates a bearer token. */
  token(options?: { scopes?: readonly Scope[]; ttlSeconds?: number }): Promise<string>;
}

/**
 * Longer than a broker lets anybody wait. The answer is awaited once: who calls this decides about repeats.
 */
const timeoutMs = 300_000;

/**
 * Logs a wallet in.
 *
 * @throws WorldLandError if the broker refuses, or proposes something else to sign.
 */
export async function login({ api, audience, account, ...asked }: LoginOptions): Promise<Session> {
  const caller = createCaller({ api, timeoutMs, retries: 0, ...(audience === undefined ? {} : { audience }) });
  const access = createAccess(caller, createMarket(caller));
  const { wallet, sessionId, sessionKey, expiresAt } = await access.login({ wallet: account, ...asked });
  return {
    wallet,
    sessionId,
    sessionKey,
    expiresAt,
    request: (method, path, body, headers = {}) =>
      caller.answer(method as Method, path, { body, headers, auth: 'signed' }),
    async token({ scopes, ttlSeconds } = {}) {
      const body = { scopes, ttl_seconds: ttlSeconds };
      return (await caller.call<MintedToken>('POST /api/v1/auth/tokens', { body })).token;
    },
  };
}
