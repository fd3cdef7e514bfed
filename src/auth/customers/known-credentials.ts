import { batched } from '../../db/batched.js';
import { findSessionsByKey, type AuthSession } from '../../db/auth-sessions.js';
import { findTokens, type AuthToken } from '../../db/auth-tokens.js';
import type { Queryable } from '../../db/pool.js';
import { tokenSha256 } from './token-hash.js';

/** Looks up credentials, still valid or not. */
export interface KnownCredentials {
  token(token: string): Promise<{ token: AuthToken; session: AuthSession } | undefined>;
  sessionOfKey(sessionKey: string): Promise<AuthSession | undefined>;
}

/**
 * Batches concurrent lookups into one query. So a flood of wrong credentials costs only a few running statements, and
 * valid ones among them are found without a limit.
 */
export function knownCredentials(db: Queryable): KnownCredentials {
  const tokens = batched((hashes: readonly string[]) => findTokens(db, hashes));
  const sessions = batched((keys: readonly string[]) => findSessionsByKey(db, keys));
  return {
    token: (token) => tokens(tokenSha256(token).toString('hex')),
    sessionOfKey: sessions,
  };
}
