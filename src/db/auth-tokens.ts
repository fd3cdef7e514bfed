import { sessionColumns, sessionOf, type AuthSession, type SessionRow } from './auth-sessions.js';
import type { Queryable } from './pool.js';
import { prepared } from './prepared.js';

export interface AuthToken {
  id: string;
  sessionId: string;
  scopes: string[];
  createdAt: Date;
  expiresAt: Date;
  revokedAt?: Date;
}

interface TokenRow {
  token_id: string;
  session_id: string;
  token_scopes: string[];
  token_created_at: Date;
  token_expires_at: Date;
  token_revoked_at: Date | null;
}

const tokenColumns = `t.id as token_id, t.session_id, t.scopes as token_scopes, t.created_at as token_created_at,
  t.expires_at as token_expires_at, t.revoked_at as token_revoked_at`;

function tokenOf(row: TokenRow): AuthToken {
  return {
    id: row.token_id,
    sessionId: row.session_id,
    scopes: row.token_scopes,
    createdAt: row.token_created_at,
    expiresAt: row.token_expires_at,
    ...(row.token_revoked_at === null ? {} : { revokedAt: row.token_revoked_at }),
  };
}

/**
 * Locks the session and inserts a token if the session has fewer than `limit` valid ones. Run it in a transaction.
 *
 * @returns false when the session has reached the limit or has been revoked.
 */
export async function insertToken(
  tx: Queryable,
  token: Omit<AuthToken, 'revokedAt'> & { sha256: Buffer },
  limit: number,
): Promise<boolean> {
  // A separate statement: one statement sees rows as of its start, so it would count before the lock is granted.
  await tx.query('select from auth_sessions where id = $1 for no key update', [token.sessionId]);
  const { rowCount } = await tx.query(
    `insert into auth_tokens (token_sha256, id, session_id, scopes, created_at, expires_at)
     select $1, $2, s.id, $4, $5, $6
       from auth_sessions s
      where s.id = $3 and s.revoked_at is null
        and (select count(*) from auth_tokens t
              where t.session_id = s.id and t.revoked_at is null and t.expires_at > $5) < $7`,
    [token.sha256, token.id, token.sessionId, token.scopes, token.createdAt, token.expiresAt, limit],
  );
  return rowCount === 1;
}

/** Tokens by their hex hashes, with their sessions, still valid or not. */
export async function findTokens(
  db: Queryable,
  hashes: readonly string[],
): Promise<Map<string, { token: AuthToken; session: AuthSession }>> {
  const { rows } = await db.query<{ hash: string } & TokenRow & SessionRow>(
    prepared(`select encode(t.token_sha256, 'hex') as hash, ${tokenColumns}, ${sessionColumns}
             from unnest($1::text[]) as asked (hash)
             join auth_tokens t on t.token_sha256 = decode(asked.hash, 'hex')
             join auth_sessions s on s.id = t.session_id`),
    [hashes],
  );
  return new Map(rows.map((row) => [row.hash, { token: tokenOf(row), session: sessionOf(row) }]));
}

/** The valid tokens of some sessions, newest first. */
export async function liveTokens(db: Queryable, sessionIds: readonly string[], now: Date): Promise<AuthToken[]> {
  const { rows } = await db.query<TokenRow>(
    `select ${tokenColumns} from auth_tokens t
      where t.session_id = any ($1::uuid[]) and t.revoked_at is null and t.expires_at > $2
      order by t.created_at desc`,
    [sessionIds, now],
  );
  return rows.map(tokenOf);
}

/** @returns false when no session of the wallet has such a token. */
export async function revokeToken(db: Queryable, wallet: string, id: string, now: Date): Promise<boolean> {
  const { rowCount } = await db.query(
    `update auth_tokens t set revoked_at = coalesce(t.revoked_at, $3)
       from auth_sessions s
      where t.id = $2 and s.id = t.session_id and s.wallet = $1`,
    [wallet, id, now],
  );
  return rowCount === 1;
}
