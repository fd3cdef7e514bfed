import type { Queryable } from './pool.js';
import { removeOld, rowsAtOnce } from './pruning.js';

/** Removes tokens that expired before `before`: they are useless and no longer looked up. @returns how many. */
export async function pruneTokens(db: Queryable, before: Date): Promise<number> {
  return await removeOld(
    db,
    `delete from auth_tokens where token_sha256 in
       (select token_sha256 from auth_tokens where expires_at < $1 order by expires_at limit $2)`,
    before,
  );
}

/**
 * Removes sessions that expired before `before`, and wallets without any session left. A session that ordered a job
 * stays with its charge, as part of that job's account. A revoked session stays for a year, so that its key is not
 * accepted again in that time.
 *
 * @returns how many sessions.
 */
export async function pruneSessions(db: Queryable, before: Date): Promise<number> {
  const { rows } = await db.query<{ sessions: number }>(
    `with gone as (
       delete from auth_sessions where id in
         (select s.id from auth_sessions s
           where s.expires_at < $1 and s.spent = 0 and s.reserved = 0
             and (s.revoked_at is null or s.expires_at < $1::timestamptz - interval '1 year')
             and not exists (select from auth_charges c where c.session_id = s.id)
           order by s.expires_at limit $2)
       returning id, wallet
     ), wallets as (
       delete from auth_wallets w
        where wallet in (select wallet from gone)
          and (logins_void_before is null or logins_void_before < $1)
          and not exists (select from auth_sessions s where s.wallet = w.wallet and s.id not in (select id from gone))
     )
     select count(*)::int as sessions from gone`,
    [before, rowsAtOnce],
  );
  return rows[0]?.sessions ?? 0;
}

/** Removes wallets without a session that revoked all of them before `before`, with the logins begun by then. */
export async function pruneWallets(db: Queryable, before: Date): Promise<number> {
  return await removeOld(
    db,
    `delete from auth_wallets where wallet in
       (select wallet from auth_wallets w
         where logins_void_before < $1 and not exists (select from auth_sessions s where s.wallet = w.wallet)
         order by logins_void_before limit $2)`,
    before,
  );
}

/**
 * Removes revocations signed before `before`: their messages are too old to be accepted again. @returns how many.
 */
export async function pruneRevocations(db: Queryable, before: Date): Promise<number> {
  return await removeOld(
    db,
    `delete from auth_revocations where (wallet, nonce) in
       (select wallet, nonce from auth_revocations where created_at < $1 order by created_at limit $2)`,
    before,
  );
}
