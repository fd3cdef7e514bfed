import type { IncomingHttpHeaders } from 'node:http';
import { touchSession, type AuthSession } from '../../db/auth-sessions.js';
import { BrokerError } from '../../domain/errors.js';
import type { AuthDeps } from './deps.js';
import { grantedScopes, type Principal, type SessionPrincipal } from './principal.js';
import { readRequestSignature } from './request-signature.js';
import { isForSignedRequests } from './reserved-scopes.js';
import { networkOf } from '../networks.js';
import { isTokenForm } from './tokens.js';
import { inTurn } from '../turns.js';
import { requestDigest, type RequestSignature, type WireRequest } from '../../wire/request-signature.js';

export interface Credentials extends WireRequest {
  headers: IncomingHttpHeaders;
  ip: string;
}

/** The only request with a session key that has no session yet. */
export const registrationRoute = { method: 'POST', path: '/api/v1/auth/sessions' } as const;

/** A session's owner sees its last use to the minute. */
const touchEveryMs = 60_000;

/**
 * Returns a request's sender; `undefined` when it carries no credential.
 *
 * Cheap checks go first, and the nonce is stored only after the signature is verified: strangers can neither fill Redis
 * nor use up others' nonces. A token needs only Postgres. A signature also needs Redis and is rejected without it.
 *
 * @throws BrokerError any of the codes about a client's identity, `malformed_request`, `rate_limited`,
 *   `dependency_unavailable`
 */
export function createAuthenticator(deps: AuthDeps): (request: Credentials) => Promise<Principal | undefined> {
  return async (request) => {
    const { headers, ip } = request;
    const { authorization } = headers;
    const hasSignature = Object.keys(headers).some((name) => name.startsWith('x-session-'));
    if (authorization !== undefined && hasSignature) {
      throw new BrokerError('auth_ambiguous', 'the request has an Authorization and X-Session headers');
    }
    if (authorization !== undefined) return await deps.limiter.guard(ip, () => bearer(deps, authorization));
    const signed = readRequestSignature(headers);
    if (signed === undefined) return undefined;
    return await deps.limiter.guard(ip, async () =>
      isRegistration(request) ? claimed(signed) : await signature(deps, request, signed),
    );
  };
}

/**
 * Verifies the signature of a session registration and returns its key, in lower case.
 *
 * @throws BrokerError `timestamp_skew`, `signature_invalid`, `nonce_reused`, `auth_backend_unavailable`
 */
export async function verifyProofOfPossession(deps: AuthDeps, request: Credentials): Promise<string> {
  const signed = readRequestSignature(request.headers);
  if (signed === undefined) throw new BrokerError('auth_required', 'the session key has to sign this request');
  await verifySignature(deps, request, signed);
  return signed.sessionKey;
}

function isRegistration({ method, target }: WireRequest): boolean {
  return method === registrationRoute.method && target.split('?')[0] === registrationRoute.path;
}

function claimed({ sessionKey }: RequestSignature): Principal {
  return { kind: 'proof', wallet: '', scopes: [], sessionKey };
}

async function bearer(deps: AuthDeps, authorization: string): Promise<SessionPrincipal> {
  const token = /^bearer +(\S+)$/i.exec(authorization)?.[1];
  if (token === undefined) throw new BrokerError('auth_required', 'Authorization has to be: Bearer wlb_…');
  const found = isTokenForm(token) ? await deps.credentials.token(token) : undefined;
  if (found === undefined)
    throw new BrokerError('session_unknown', 'token unknown or expired: log in again (wl login)');
  requireLive(deps, found.session);
  requireLive(deps, found.token);
  touch(deps, found.session);
  const ofSession = principalOf(deps, found.session);
  return {
    ...ofSession,
    kind: 'bearer',
    tokenId: found.token.id,
    scopes: ofSession.scopes.filter((scope) => !isForSignedRequests(scope) && found.token.scopes.includes(scope)),
    expiresAt: found.token.expiresAt,
  };
}

async function signature(deps: AuthDeps, request: Credentials, signed: RequestSignature): Promise<SessionPrincipal> {
  const session = await deps.credentials.sessionOfKey(signed.sessionKey);
  if (session === undefined) throw new BrokerError('session_unknown', 'no session has this key');
  requireLive(deps, session);
  await verifySignature(deps, request, signed);
  touch(deps, session);
  return principalOf(deps, session);
}

async function verifySignature(deps: AuthDeps, request: Credentials, signed: RequestSignature): Promise<void> {
  const { config, nonces, recover } = deps;
  const nowS = Math.floor(deps.now() / 1000);
  if (Math.abs(nowS - Number(signed.timestamp)) > config.AUTH_MAX_SKEW_S) {
    throw new BrokerError('timestamp_skew', `the timestamp must be within ${config.AUTH_MAX_SKEW_S} s of server_time`, {
      server_time: nowS,
    });
  }
  const wire = { ...request, target: config.AUTH_TARGET_PREFIX + request.target };
  const turn = { network: networkOf(request.ip), who: signed.sessionKey };
  const digest = requestDigest(config.AUTH_AUDIENCE, wire, signed);
  const signer = await inTurn(turn, () => recover(digest, signed.signature));
  if (signer !== signed.sessionKey) {
    throw new BrokerError('signature_invalid', 'the session key did not sign this request as it arrived');
  }
  // A timestamp is valid from one skew before now to one after; the rest allows for clock differences between replicas.
  const ttlS = 2 * config.AUTH_MAX_SKEW_S + 10;
  if (!(await nonces.useNonce(signed.sessionKey, signed.nonce, ttlS))) {
    throw new BrokerError('nonce_reused', 'every request needs a nonce of its own');
  }
}

function requireLive({ now }: AuthDeps, { revokedAt, expiresAt }: { revokedAt?: Date; expiresAt: Date }): void {
  if (revokedAt !== undefined) throw new BrokerError('session_revoked', 'it was revoked: log in again');
  if (expiresAt.getTime() <= now()) throw new BrokerError('session_expired', 'it has expired: log in again');
}

function principalOf({ config }: AuthDeps, session: AuthSession): SessionPrincipal {
  return {
    wallet: session.wallet,
    scopes: grantedScopes(session.scopes, session.wallet, config),
    kind: 'signed',
    sessionId: session.id,
    sessionKey: session.sessionKey,
    expiresAt: session.expiresAt,
    spend: { limit: session.spendLimit, reserved: session.reserved, spent: session.spent },
  };
}

/** Runs in the background: nothing depends on it. */
function touch({ pool, now }: AuthDeps, session: AuthSession): void {
  const nowMs = now();
  if (session.lastUsedAt !== undefined && nowMs - session.lastUsedAt.getTime() < touchEveryMs) return;
  touchSession(pool, session.id, new Date(nowMs), new Date(nowMs - touchEveryMs)).catch(() => undefined);
}
