import { randomBytes, randomUUID } from 'node:crypto';
import { insertToken } from '../../db/auth-tokens.js';
import { withTransaction } from '../../db/pool.js';
import { BrokerError } from '../../domain/errors.js';
import { invalid } from './delegation-policy.js';
import type { AuthDeps } from './deps.js';
import type { SessionPrincipal } from './principal.js';
import { isForSignedRequests } from './reserved-scopes.js';
import { tokenSha256 } from './token-hash.js';
import type { Scope } from '../../wire/scopes.js';

/** The prefix lets secret scanners recognize a leaked token. */
const form = /^wlb_[A-Za-z0-9_-]{43}$/;

export function isTokenForm(text: string): boolean {
  return form.test(text);
}

/**
 * Creates a bearer token with some of the session's scopes. It never outlives its session and never has `admin`, which
 * requires signed requests.
 *
 * @throws BrokerError `scope_denied`, `validation_failed`, `quota_exceeded`
 */
export async function mintToken(
  { pool, config, now }: AuthDeps,
  principal: SessionPrincipal,
  request: { scopes?: readonly Scope[] | undefined; ttlSeconds?: number | undefined },
): Promise<{ token: string; tokenId: string; expiresAt: Date; scopes: Scope[] }> {
  if (principal.kind !== 'signed')
    throw new BrokerError('auth_required', 'a token cannot make tokens: sign the request');
  const ttlSeconds = request.ttlSeconds ?? Math.min(config.AUTH_TOKEN_TTL_S, config.AUTH_TOKEN_TTL_MAX_S);
  if (ttlSeconds > config.AUTH_TOKEN_TTL_MAX_S) {
    throw invalid('ttl_seconds', `must be at most ${config.AUTH_TOKEN_TTL_MAX_S}`);
  }
  const available: Scope[] = principal.scopes.filter((scope) => !isForSignedRequests(scope));
  const scopes = [...new Set(request.scopes ?? available)];
  const missing = scopes.filter((scope) => !available.includes(scope));
  if (missing.length > 0 || scopes.length === 0) {
    throw new BrokerError(
      'scope_denied',
      'a token has scopes of its session only, and never admin or settlements:read',
      {
        missing_scopes: missing,
      },
    );
  }
  const token = `wlb_${randomBytes(32).toString('base64url')}`;
  const tokenId = randomUUID();
  const createdAt = new Date(now());
  const expiresAt = new Date(Math.min(createdAt.getTime() + ttlSeconds * 1000, principal.expiresAt.getTime()));
  const row = { id: tokenId, sessionId: principal.sessionId, sha256: tokenSha256(token), scopes, createdAt, expiresAt };
  if (!(await withTransaction(pool, async (tx) => await insertToken(tx, row, config.AUTH_MAX_TOKENS)))) {
    throw new BrokerError('quota_exceeded', `a session has ${config.AUTH_MAX_TOKENS} live tokens at most: revoke one`);
  }
  return { token, tokenId, expiresAt, scopes };
}
