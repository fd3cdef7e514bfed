import { delegationTypedData, revocationTypedData, type SessionDelegation } from '../wire/session-typed-data.js';
import type { Scope } from '../wire/scopes.js';
import { WorldLandError } from './errors.js';
import { baseUnitsOf } from './money.js';
import { readProposal, requireScopes, requireWhatWasAsked, type Asked, type Proposal } from './proposal.js';
import { newSessionKey, signedHeaders, type SessionKey } from './signing.js';
import type { StoredSession } from './stores.js';
import { connectWallet, type Signer, type TypedData } from './wallet.js';

export interface LoginOptions {
  /** The wallet; it signs once. */
  wallet: Signer;
  /** What the session's jobs may cost together: text is tokens (`'25'`), a bigint is base units. Default: nothing. */
  spendLimit?: string | bigint;
  /** Default: `jobs:read` and `jobs:write`. */
  scopes?: readonly Scope[];
  /** How long the session lives. Default: as the broker has it, up to a day. */
  ttlSeconds?: number;
  /** What the list of sessions calls it. */
  label?: string;
  chainId?: number;
  signal?: AbortSignal;
}

/** A login that a wallet signs elsewhere: on the broker's page, for a program that has no wallet. */
export interface HandOff {
  /** The address of the session key, which the wallet is to let speak for it. */
  sessionKey: string;
  scopes: readonly Scope[];
  /** Base units. */
  spendLimit: string;
  /** The seconds that were asked for; undefined: the broker's own choice. */
  ttlSeconds: number | undefined;
  /**
   * Checks what the wallet signed as any login is checked, and registers it.
   *
   * @throws WorldLandError `protocol` if the message is not what was asked for.
   */
  finish(signed: { message: unknown; chainId: unknown; signature: string }): Promise<StoredSession>;
}

/** How a login reaches its broker. */
export interface Broker {
  audience: string;
  /** Seconds to add to this computer's clock. */
  skewS: number;
  /** Sends a request without a credential of a session. */
  post<T>(
    route: string,
    body: unknown,
    headers?: (target: string, text: string) => Promise<Record<string, string>>,
  ): Promise<T>;
  /** The chains that the broker accepts, and how many decimals its token has, as far as it says so. */
  facts(): Promise<{ chainIds?: readonly number[]; decimals?: number }>;
  signal?: AbortSignal | undefined;
}

interface ChallengeReply {
  typed_data?: { domain?: { chainId?: unknown }; message?: unknown };
  server_time?: number;
}

/** A broker that says more would make a limit in tokens one of many more base units than was meant. */
const mostDecimals = 18;

const defaultScopes: readonly Scope[] = ['jobs:read', 'jobs:write'];

/** Logs a wallet in: a new session key, the wallet's signature of exactly what was asked for, and the registration. */
export async function login(broker: Broker, options: LoginOptions): Promise<StoredSession> {
  const { asked, key } = await begin(broker, options);
  const accepted = async () => (await broker.facts()).chainIds;
  const wallet = await connectWallet(options.wallet, { chainId: options.chainId, accepted });
  const wanted: Asked = { ...asked, wallet: wallet.address, chainId: wallet.chainId };
  const challenge = await broker.post<ChallengeReply>('POST /api/v1/auth/challenge', challengeOf(wanted));
  const proposed = challenge.typed_data;
  const proposal = readProposal(proposed?.message, proposed?.domain?.chainId);
  const nowS = Math.floor(Date.now() / 1000);
  requireWhatWasAsked(proposal, wanted, { nowS, serverTimeS: challenge.server_time });
  broker.skewS = (challenge.server_time ?? nowS) - nowS;
  const typedData = delegationTypedData(proposal.message, proposal.chainId) as unknown as TypedData;
  const signature = await wallet.sign(typedData);
  return await openSession(broker, key, proposal, { signature, label: options.label });
}

/** Begins a login that is signed elsewhere. */
export async function handOff(broker: Broker, options: Omit<LoginOptions, 'wallet'>): Promise<HandOff> {
  const { asked, key } = await begin(broker, options);
  return {
    sessionKey: key.address,
    scopes: asked.scopes,
    spendLimit: asked.spendLimit.toString(),
    ttlSeconds: asked.ttlSeconds,
    async finish({ message, chainId, signature }) {
      const proposal = readProposal(message, chainId);
      requireWhatWasAsked(proposal, asked, { nowS: Math.floor(Date.now() / 1000) + broker.skewS });
      if (!/^0x(?:[0-9a-f]{2}){1,8192}$/i.test(signature))
        throw new WorldLandError('protocol', 'what came back is no signature', { data: { field: 'signature' } });
      return await openSession(broker, key, proposal, { signature, label: options.label });
    },
  };
}

async function begin(
  broker: Broker,
  options: Omit<LoginOptions, 'wallet'>,
): Promise<{ asked: Asked; key: SessionKey }> {
  const { scopes = defaultScopes, spendLimit = 0n, ttlSeconds, chainId } = options;
  requireScopes(scopes);
  const decimals = typeof spendLimit === 'bigint' ? mostDecimals : ((await broker.facts()).decimals ?? mostDecimals);
  if (!Number.isInteger(decimals) || decimals < 0 || decimals > mostDecimals) {
    const detail = `the broker says that its token has ${decimals} decimals, and ${mostDecimals} are the most that are believed`;
    throw new WorldLandError('protocol', detail, { data: { field: 'token.decimals' } });
  }
  const key = newSessionKey();
  const asked: Asked = {
    audience: broker.audience,
    wallet: undefined,
    sessionKey: key.address,
    scopes: [...new Set(scopes)],
    spendLimit: baseUnitsOf(spendLimit, decimals),
    ttlSeconds,
    chainId,
  };
  return { asked, key };
}

function challengeOf({ wallet, sessionKey, chainId, scopes, spendLimit, ttlSeconds }: Asked) {
  return {
    wallet,
    session_key: sessionKey,
    ...(chainId === undefined ? {} : { chain_id: chainId }),
    scopes,
    spend_limit: spendLimit.toString(),
    ...(ttlSeconds === undefined ? {} : { ttl_seconds: ttlSeconds }),
  };
}

async function openSession(
  broker: Broker,
  key: SessionKey,
  { message, chainId }: Proposal,
  { signature, label }: { signature: string; label: string | undefined },
): Promise<StoredSession> {
  const body = {
    message: { ...message, spendLimit: message.spendLimit.toString() },
    chain_id: chainId,
    signature,
    ...(label === undefined ? {} : { label }),
  };
  const proof = (target: string, text: string) =>
    signedHeaders(key.privateKey, {
      audience: broker.audience,
      method: 'POST',
      target,
      body: text,
      timestampS: Math.floor(Date.now() / 1000) + broker.skewS,
    });
  const reply = await broker.post<{ session_id?: string; expires_at?: string }>(
    'POST /api/v1/auth/sessions',
    body,
    proof,
  );
  if (typeof reply?.session_id !== 'string' || typeof reply.expires_at !== 'string')
    throw new WorldLandError('protocol', 'the broker opened no session');
  return {
    wallet: message.wallet,
    sessionId: reply.session_id,
    sessionKey: key.address,
    privateKey: key.privateKey,
    audience: broker.audience,
    chainId,
    scopes: message.scopes.split(' ') as Scope[],
    spendLimit: message.spendLimit.toString(),
    expiresAt: reply.expires_at,
  };
}

/** Has the wallet itself revoke a session, or with no session key all of them: for a key that is lost. */
export async function revokeByWallet(
  broker: Broker,
  options: { wallet: Signer; sessionKey?: string; chainId?: number },
): Promise<void> {
  const accepted = async () => (await broker.facts()).chainIds;
  const wallet = await connectWallet(options.wallet, { chainId: options.chainId, accepted });
  const chainId = wallet.chainId ?? (await accepted())?.[0];
  if (chainId === undefined)
    throw new WorldLandError('validation_failed', 'chainId: this broker does not say which chains it accepts');
  const revocation = {
    wallet: wallet.address,
    sessionKey: (options.sessionKey?.toLowerCase() ?? `0x${'0'.repeat(40)}`) as SessionDelegation['sessionKey'],
    audience: broker.audience,
    issuedAt: Math.floor(Date.now() / 1000) + broker.skewS,
    nonce: newSessionKey().privateKey,
  };
  const signature = await wallet.sign(revocationTypedData(revocation, chainId));
  await broker.post('POST /api/v1/auth/revoke', { message: revocation, chain_id: chainId, signature });
}
