import type { Address } from 'viem';
import type { LoginSignRequest } from '../../src/wire/sign-page.js';
import { plain, type Token } from '../parts/words.js';

/** Relative to `/console/sign`: a proxy may serve the broker below a path of its own. */
const api = new URL('../api/v1/', location.href.replace(/[?#].*$/, ''));

/** What the page has to know of its broker. */
export interface Site {
  /** The origin that signatures are for; undefined if the broker does not say. */
  audience?: string;
  /** Chains whose wallets may log in; empty if the broker does not say. */
  chainIds: number[];
  token: Token;
}

export interface Challenge {
  typedData: unknown;
  /** How long the broker accepts it, from now. */
  expiresInS: number;
}

/** The broker did not do what it was asked for; the message is a sentence for the person at the screen. */
export class BrokerRefusal extends Error {
  override readonly name = 'BrokerRefusal';
}

const isChainId = (id: unknown): id is number => Number.isSafeInteger(id) && Number(id) > 0;

/** @throws BrokerRefusal */
export async function readSite(): Promise<Site> {
  const { audience, token, auth } = await ask('site');
  const { symbol, decimals } = record(token);
  const { chain_ids: chainIds } = record(auth);
  return {
    ...(typeof audience === 'string' ? { audience } : {}),
    chainIds: Array.isArray(chainIds) ? chainIds.filter(isChainId) : [],
    token: {
      symbol: plain(symbol, 12) || 'tokens',
      decimals: Number.isInteger(decimals) && Number(decimals) >= 0 && Number(decimals) <= 36 ? Number(decimals) : 18,
    },
  };
}

/** @throws BrokerRefusal */
export async function requestChallenge(
  request: LoginSignRequest,
  wallet: Address,
  chainId: number | undefined,
): Promise<Challenge> {
  const { typed_data: typedData, expires_in: expiresInS } = await ask('auth/challenge', {
    wallet,
    session_key: request.sessionKey,
    scopes: request.scopes,
    spend_limit: request.spendLimit,
    ttl_seconds: request.ttlSeconds,
    ...(chainId === undefined ? {} : { chain_id: chainId }),
  });
  return { typedData, expiresInS: typeof expiresInS === 'number' ? expiresInS : 300 };
}

async function ask(path: string, body?: object): Promise<Record<string, unknown>> {
  let response: Response;
  let reply: Record<string, unknown>;
  try {
    response = await fetch(new URL(path, api), {
      ...(body === undefined
        ? {}
        : { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
      credentials: 'omit',
      redirect: 'error',
      signal: AbortSignal.timeout(20_000),
    });
    reply = record(await response.json());
  } catch {
    throw new BrokerRefusal('The broker does not answer. Check your connection, then try again.');
  }
  if (!response.ok) throw new BrokerRefusal(refusalInWords(reply, response.status));
  return reply;
}

function refusalInWords(
  { code, detail, errors, retry_after_s: retryAfterS }: Record<string, unknown>,
  status: number,
): string {
  if (code === 'rate_limited') {
    const wait = typeof retryAfterS === 'number' ? `in ${Math.ceil(retryAfterS)} seconds` : 'in a minute';
    return `The broker has had too many requests from your address. Try again ${wait}.`;
  }
  if (code === 'scope_denied') return 'This wallet is not an operator of this broker. Choose another wallet.';
  const fields = Array.isArray(errors)
    ? errors.map((each) => `${plain(record(each)['field'])} ${plain(record(each)['message'], 160)}`).join('; ')
    : '';
  return `The broker refuses: ${fields || plain(detail, 200) || `it answered ${status}`}. Run the command in your terminal again.`;
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
