import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { zeroAddress, type Address, type Hex } from 'viem';
import { BrokerError } from '../../domain/errors.js';
import { invalid } from './delegation-policy.js';
import type { AuthDeps } from './deps.js';
import { requireMayHave } from './reserved-scopes.js';
import { delegationForWallet, delegationStatement, type SessionDelegation } from '../../wire/session-typed-data.js';
import { joinScopes, type Scope } from '../../wire/scopes.js';

export interface ChallengeRequest {
  wallet: Address;
  sessionKey: Address;
  chainId?: number | undefined;
  scopes?: readonly Scope[] | undefined;
  /** Base units. */
  spendLimit?: bigint | undefined;
  ttlSeconds?: number | undefined;
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
 * Begins a login by creating the message for the wallet to sign. Its nonce is valid for one attempt by this wallet with
 * this session key. Nothing is stored, so a client that asks for a thousand takes up no room, and no limit is needed
 * that would lock out its neighbours.
 *
 * @throws BrokerError `validation_failed`, `scope_denied`, `dependency_unavailable`
 */
export async function issueChallenge(
  { config, challengeKey, now }: Pick<AuthDeps, 'config' | 'challengeKey' | 'now'>,
  request: ChallengeRequest,
): Promise<Challenge> {
  const { wallet, sessionKey } = request;
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
  requireMayHave(scopes, wallet, config);

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
    nonce: makeNonce(await challengeKey(), { wallet, sessionKey }, nowMs),
  };
  return {
    typedData: delegationForWallet(message, chainId),
    nonce: message.nonce,
    expiresInS: config.AUTH_CHALLENGE_TTL_S,
    serverTime,
  };
}

/**
 * Uses a challenge up, whether or not the login succeeds.
 *
 * @returns when it was issued, in unix milliseconds.
 * @throws BrokerError `challenge_invalid` when there is none for this wallet and session key, `auth_backend_unavailable`
 */
export async function redeemChallenge(
  { config, challengeKey, nonces, now }: Pick<AuthDeps, 'config' | 'challengeKey' | 'nonces' | 'now'>,
  message: Pick<SessionDelegation, 'wallet' | 'sessionKey' | 'nonce'>,
): Promise<number> {
  const issuedAtMs = issuedAt(await challengeKey(), message);
  const ttlS = config.AUTH_CHALLENGE_TTL_S;
  // Another replica's clock may be slightly ahead.
  const isFresh = issuedAtMs !== undefined && Math.abs(now() - issuedAtMs) <= ttlS * 1000;
  if (!isFresh || !(await nonces.useNonce('challenge', message.nonce, 2 * ttlS))) {
    throw new BrokerError('challenge_invalid', 'ask for a new challenge: this one is unknown, used or expired');
  }
  return issuedAtMs;
}

/**
 * A nonce: sixteen unique bytes, the first six of which are the time, and sixteen bytes that only the broker can
 * compute.
 */
const openBytes = 16;

type Keys = Pick<SessionDelegation, 'wallet' | 'sessionKey'>;

function makeNonce(key: Buffer, keys: Keys, nowMs: number): Hex {
  const open = randomBytes(openBytes);
  open.writeUIntBE(nowMs, 0, 6);
  return `0x${Buffer.concat([open, seal(key, keys, open)]).toString('hex')}`;
}

/** When the broker created a nonce for these keys; undefined if it did not. */
function issuedAt(key: Buffer, { nonce, ...keys }: Keys & { nonce: Hex }): number | undefined {
  const bytes = Buffer.from(nonce.slice(2), 'hex');
  const open = bytes.subarray(0, openBytes);
  const isOurs = bytes.length === 2 * openBytes && timingSafeEqual(bytes.subarray(openBytes), seal(key, keys, open));
  return isOurs ? open.readUIntBE(0, 6) : undefined;
}

function seal(key: Buffer, { wallet, sessionKey }: Keys, open: Buffer): Buffer {
  const text = `WORLDLAND-CHALLENGE-V1|${wallet}|${sessionKey}|`;
  return createHmac('sha256', key).update(text).update(open).digest().subarray(0, openBytes);
}
