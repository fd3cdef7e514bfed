import { randomBytes } from 'node:crypto';
import { zeroAddress, type Address, type Hex } from 'viem';
import { BrokerError } from '../domain/errors.js';
import { invalid } from './delegation-policy.js';
import type { AuthDeps } from './deps.js';
import { joinScopes, type Scope } from './principal.js';
import { delegationForWallet, delegationStatement, type SessionDelegation } from './typed-data.js';

export interface ChallengeRequest {
  wallet: Address;
  sessionKey: Address;
  chainId?: number | undefined;
  scopes?: readonly Scope[] | undefined;
  /** Base units. */
  spendLimit?: bigint | undefined;
  ttlSeconds?: number | undefined;
  ip: string;
}

export interface Challenge {
  typedData: ReturnType<typeof delegationForWallet>;
  nonce: Hex;
  expiresInS: number;
  /** Unix seconds, so that a client can tell how wrong its clock is. */
  serverTime: number;
}

const defaultScopes: readonly Scope[] = ['jobs:read', 'jobs:write'];

/**
 * Begins a login: makes the message that the wallet is to sign. Its nonce is good for one attempt, of this wallet with
 * this session key.
 *
 * @throws BrokerError `validation_failed`, `scope_denied`, `rate_limited`, `auth_backend_unavailable`
 */
export async function issueChallenge(
  { config, limiter, nonces, now }: AuthDeps,
  request: ChallengeRequest,
): Promise<Challenge> {
  const { wallet, sessionKey, ip } = request;
  await limiter.challenge(wallet, ip);
  const chainId = request.chainId ?? config.AUTH_CHAIN_IDS[0]!;
  const ttlSeconds = request.ttlSeconds ?? Math.min(config.AUTH_SESSION_TTL_S, config.AUTH_SESSION_TTL_MAX_S);
  const scopes = request.scopes ?? defaultScopes;
  if (wallet === zeroAddress) throw invalid('wallet', 'must not be the zero address');
  if (sessionKey === zeroAddress) throw invalid('session_key', 'must not be the zero address');
  if (sessionKey === wallet) throw invalid('session_key', 'must be a key of its own, not that of the wallet');
  if (!config.AUTH_CHAIN_IDS.includes(chainId)) {
    throw invalid('chain_id', `must be one of ${config.AUTH_CHAIN_IDS.join(', ')}`);
  }
  if (ttlSeconds > config.AUTH_SESSION_TTL_MAX_S) {
    throw invalid('ttl_seconds', `must be at most ${config.AUTH_SESSION_TTL_MAX_S}`);
  }
  if (scopes.includes('admin') && !config.ADMIN_WALLETS.includes(wallet)) {
    throw new BrokerError('scope_denied', 'this wallet is not an administrator');
  }

  const nowMs = now();
  const serverTime = Math.floor(nowMs / 1000);
  const message: SessionDelegation = {
    wallet,
    sessionKey,
    audience: config.AUTH_AUDIENCE,
    statement: delegationStatement,
    scopes: joinScopes(scopes),
    spendLimit: request.spendLimit ?? 0n,
    issuedAt: serverTime,
    expiresAt: serverTime + ttlSeconds,
    nonce: `0x${randomBytes(32).toString('hex')}`,
  };
  await nonces.putChallenge(message.nonce, `${wallet}|${sessionKey}|${nowMs}`, config.AUTH_CHALLENGE_TTL_S);
  return {
    typedData: delegationForWallet(message, chainId),
    nonce: message.nonce,
    expiresInS: config.AUTH_CHALLENGE_TTL_S,
    serverTime,
  };
}

/**
 * Uses a challenge up, whatever comes of the login.
 *
 * @returns when it was issued, in unix milliseconds.
 * @throws BrokerError `challenge_invalid` when there is none for this wallet and session key.
 */
export async function redeemChallenge(
  { nonces }: Pick<AuthDeps, 'nonces'>,
  { wallet, sessionKey, issuedAt, nonce }: Pick<SessionDelegation, 'wallet' | 'sessionKey' | 'issuedAt' | 'nonce'>,
): Promise<number> {
  const value = await nonces.takeChallenge(nonce);
  const [forWallet, forKey, issuedAtMs] = value?.split('|') ?? [];
  if (forWallet !== wallet || forKey !== sessionKey) {
    throw new BrokerError('challenge_invalid', 'ask for a new challenge: this one is unknown, used or expired');
  }
  // Where the challenge was kept others may write; what the wallet signed says when it was issued, too.
  return Math.min(Number(issuedAtMs) || 0, (issuedAt + 1) * 1_000);
}
