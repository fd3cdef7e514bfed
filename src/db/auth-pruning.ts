import type { Queryable } from './pool.js';

/** What one statement removes at most; the next run finds the rest. */
const rowsAtOnce = 5_000;

/** Removes tokens that expired before `before`: they open nothing, and nobody asks for them any more. @returns how many. */
export async function pruneTokens(db: Queryable, before: Date): Promise<number> {
  return await remove(
    db,
    `delete from auth_tokens where token_sha256 in
       (select token_sha256 from auth_tokens where expires_at < $1 order by expires_at limit $2)`,
    before,
  );
}

/**
 * Removes sessions that expired before `before`. One that a job was paid from stays, as part of the account of that
 * job; one that was revoked stays too, for its key must never speak again. @returns how many.
 */
export async function pruneSessions(db: Queryable, before: Date): Promise<number> {
  return await remove(
    db,
    `delete from auth_sessions where id in
       (select s.id from auth_sessions s
         where s.expires_at < $1 and s.revoked_at is null
           and not exists (select from auth_charges c where c.session_id = s.id)
           and not exists (select from jobs j where j.wallet = s.wallet and j.session_id = s.id)
         order by s.expires_at limit $2)`,
    before,
  );
}

/**
 * Removes what wallets signed to revoke, before `before`: the time in such a message is too long ago for it to be
 * accepted again. @returns how many.
 */
export async function pruneRevocations(db: Queryable, before: Date): Promise<number> {
  return await remove(
    db,
    `delete from auth_revocations where (wallet, nonce) in
       (select wallet, nonce from auth_revocations where created_at < $1 order by created_at limit $2)`,
    before,
  );
}

async function remove(db: Queryable, statement: string, before: Date): Promise<number> {
  const { rowCount } = await db.query(statement, [before, rowsAtOnce]);
  return rowCount ?? 0;
}
