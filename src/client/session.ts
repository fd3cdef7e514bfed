import { randomBytes } from 'node:crypto';
import type { LocalAccount } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { delegationStatement, delegationTypedData, type SessionDelegation } from '../wire/session-typed-data.js';
import type { Scope } from '../wire/scopes.js';
import { canonicalRequest, signatureHeaders } from '../wire/request-signature.js';

export interface LoginOptions {
  /** The API's address, such as `https://broker.example.com`, with the path that a proxy removes, if any. */
  api: string;
  /** The wallet. It signs once. */
  account: LocalAccount;
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

export interface Reply {
  status: number;
  /** The parsed JSON of the body; its text if it is not JSON; undefined if it is empty. */
  body: unknown;
  headers: Headers;
}

/** What the broker proposes to sign. */
interface ChallengeReply {
  typed_data: {
    domain: { chainId: string | number };
    message: Omit<SessionDelegation, 'spendLimit'> & { spendLimit: string };
  };
  /** Seconds since 1970. */
  server_time: number;
}

/** The members of a problem that are used here. */
interface Problem {
  code?: string;
  detail?: string;
  server_time?: number;
}

/** A login: requests are signed with a session key that never leaves this process. */
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

/** An unexpected response; `code` is that of the problem, if the response was one. */
export class LoginError extends Error {
  override readonly name = 'LoginError';

  constructor(
    readonly status: number,
    readonly code: string | undefined,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Logs a wallet in: creates a session key, has the wallet sign the broker's proposal after checking that it is what was
 * asked for, and registers the key.
 *
 * @throws LoginError if the broker refuses, or proposes something else to sign.
 */
export async function login(options: LoginOptions): Promise<Session> {
  const { origin, pathname } = new URL(options.api);
  const prefix = pathname.replace(/\/$/, '');
  const audience = options.audience ?? origin;
  const key = privateKeyToAccount(generatePrivateKey());
  const wallet = options.account.address.toLowerCase();
  const challenge = bodyOf<ChallengeReply>(
    await send(origin, 'POST', `${prefix}/api/v1/auth/challenge`, {
      wallet,
      session_key: key.address,
      ...(options.chainId === undefined ? {} : { chain_id: options.chainId }),
      ...(options.scopes === undefined ? {} : { scopes: options.scopes }),
      ...(options.spendLimit === undefined ? {} : { spend_limit: options.spendLimit.toString() }),
      ...(options.ttlSeconds === undefined ? {} : { ttl_seconds: options.ttlSeconds }),
    }),
  );
  const proposed = challenge.typed_data;
  const message: SessionDelegation = { ...proposed.message, spendLimit: BigInt(proposed.message.spendLimit) };
  const chainId = Number(proposed.domain.chainId);
  requireWhatWasAsked(message, chainId, { ...options, audience, wallet, sessionKey: key.address.toLowerCase() });

  let skewS = challenge.server_time - Math.floor(Date.now() / 1000);
  const signature = await options.account.signTypedData(delegationTypedData(message, chainId));
  const registered = bodyOf<{ session_id: string; expires_at: string }>(
    await signedRequest('POST', '/api/v1/auth/sessions', {
      message: proposed.message,
      chain_id: chainId,
      signature,
      ...(options.label === undefined ? {} : { label: options.label }),
    }),
  );

  const session: Session = {
    wallet,
    sessionId: registered.session_id,
    sessionKey: key.address.toLowerCase(),
    expiresAt: new Date(registered.expires_at),
    async request(method, path, body, headers) {
      const reply = await signedRequest(method, path, body, headers);
      const problem = reply.body as Problem | undefined;
      if (problem?.code !== 'timestamp_skew' || problem.server_time === undefined) return reply;
      // The request had no effect: use the broker's clock, and try once more.
      skewS = problem.server_time - Math.floor(Date.now() / 1000);
      return await signedRequest(method, path, body, headers);
    },
    async token({ scopes, ttlSeconds } = {}) {
      const body = {
        ...(scopes === undefined ? {} : { scopes }),
        ...(ttlSeconds === undefined ? {} : { ttl_seconds: ttlSeconds }),
      };
      return bodyOf<{ token: string }>(await session.request('POST', '/api/v1/auth/tokens', body)).token;
    },
  };
  return session;

  async function signedRequest(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const text = body === undefined ? '' : JSON.stringify(body);
    const target = prefix + path;
    const bodyBytes = Buffer.from(text);
    const timestamp = String(Math.floor(Date.now() / 1000) + skewS);
    const nonce = randomBytes(16).toString('base64url');
    const signature = await key.signMessage({
      message: canonicalRequest(audience, { method, target, bodyBytes }, { timestamp, nonce }),
    });
    return await send(origin, method, target, body, {
      ...headers,
      [signatureHeaders.key]: key.address,
      [signatureHeaders.timestamp]: timestamp,
      [signatureHeaders.nonce]: nonce,
      [signatureHeaders.signature]: signature,
    });
  }
}

/** A false broker could propose a message meant for another one; a wallet must not sign that unchecked. */
function requireWhatWasAsked(
  message: SessionDelegation,
  chainId: number,
  asked: LoginOptions & { audience: string; wallet: string; sessionKey: string },
): void {
  const wanted: [string, string | number | bigint, string | number | bigint][] = [
    ['audience', message.audience, asked.audience],
    ['wallet', message.wallet.toLowerCase(), asked.wallet],
    ['sessionKey', message.sessionKey.toLowerCase(), asked.sessionKey],
    ['statement', message.statement, delegationStatement],
    ['spendLimit', message.spendLimit, asked.spendLimit ?? 0n],
    ['scopes', message.scopes, [...new Set(asked.scopes ?? ['jobs:read', 'jobs:write'])].sort().join(' ')],
    ['chainId', chainId, asked.chainId ?? chainId],
  ];
  for (const [name, got, want] of wanted) {
    if (got !== want)
      throw new LoginError(0, undefined, `the broker proposes ${name} "${got}" where "${want}" was asked for`);
  }
}

async function send(
  origin: string,
  method: string,
  target: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Reply> {
  const response = await fetch(origin + target, {
    method,
    redirect: 'error',
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '') && text !== '';
  const read: unknown = isJson ? JSON.parse(text) : text === '' ? undefined : text;
  return { status: response.status, body: read, headers: response.headers };
}

function bodyOf<T>(reply: Reply): T {
  if (reply.status >= 200 && reply.status < 300) return reply.body as T;
  const { code, detail } = (reply.body ?? {}) as Problem;
  throw new LoginError(reply.status, code, `the broker answered ${reply.status} ${code ?? ''}: ${detail ?? ''}`);
}
