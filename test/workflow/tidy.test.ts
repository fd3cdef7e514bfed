import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { insertRevocation } from '../../src/db/auth-sessions.js';
import { reserveJoinToken } from '../../src/db/join-tokens.js';
import { putSession, testWallet } from '../support/fleet.js';
import { createReconciledWorld, type ReconciledWorld } from '../support/reconciled-world.js';

let world: ReconciledWorld;
beforeAll(async () => {
  world = await createReconciledWorld();
}, 120_000);
afterAll(() => world?.close());

const day = 86_400_000;
const ago = (ms: number) => new Date(Date.now() - ms);

async function putToken(sessionId: string, expiresAt: Date): Promise<string> {
  const id = randomUUID();
  await world.database.pool.query(
    `insert into auth_tokens (token_sha256, id, session_id, scopes, created_at, expires_at)
     values ($1, $2, $3, '{}', $4, $4)`,
    [randomBytes(32), id, sessionId, expiresAt],
  );
  return id;
}

/** A session that ended so long ago, and what is to be said of it. */
async function expiredSession(endedMs: number, change = 'expires_at = $2'): Promise<string> {
  const id = await putSession(world.database.pool, testWallet);
  await world.database.pool.query(`update auth_sessions set ${change} where id = $1`, [id, ago(endedMs)]);
  return id;
}

test('rows of logins that can have no effect any more are removed, and only those', async () => {
  const { pool } = world.database;
  const live = await putSession(pool, testWallet);
  const long = await expiredSession(91 * day);
  const recent = await expiredSession(89 * day);
  const revoked = await expiredSession(91 * day, 'expires_at = $2, revoked_at = $2');
  const paid = await expiredSession(91 * day);
  await pool.query('insert into auth_charges (job_id, session_id, reserved) values ($1, $2, 0)', [randomUUID(), paid]);

  const [old, fresh] = [await putToken(live, ago(2 * day)), await putToken(live, ago(-day))];
  const ofLong = await putToken(long, ago(-day));

  const revocation = (nonce: string, now: Date) =>
    insertRevocation(pool, { wallet: testWallet, nonce, sessionKey: `0x${'0'.repeat(40)}`, signature: '0x', now });
  await revocation(`0x${'1'.repeat(64)}`, ago(2 * day));
  await revocation(`0x${'2'.repeat(64)}`, ago(day / 2));

  const joinToken = async (deletedAt: Date | null) => {
    const { providerId } = world;
    const given = { providerId, messageId: randomUUID(), nodeName: providerId, ttlS: 600 };
    const { tokenId } = await reserveJoinToken(pool, given);
    await pool.query('update join_tokens set deleted_at = $2 where token_id = $1', [tokenId, deletedAt]);
    return tokenId;
  };
  const [forgotten, kept, inUse] = [await joinToken(ago(15 * day)), await joinToken(ago(day)), await joinToken(null)];

  expect(await world.reconcile()).toMatchObject({ failures: [] });

  const ids = async (sql: string) => (await pool.query<{ id: string }>(sql)).rows.map(({ id }) => id);
  const sessions = await ids('select id from auth_sessions');
  expect(sessions).toEqual(expect.arrayContaining([live, recent, revoked, paid]));
  expect(sessions).not.toContain(long);
  const tokens = await ids('select id from auth_tokens');
  expect(tokens).toContain(fresh);
  expect(tokens).not.toContain(old);
  expect(tokens).not.toContain(ofLong);
  expect(await ids('select nonce as id from auth_revocations')).toEqual([`0x${'2'.repeat(64)}`]);
  const joinTokens = await ids('select token_id as id from join_tokens');
  expect(joinTokens).toEqual(expect.arrayContaining([kept, inUse]));
  expect(joinTokens).not.toContain(forgotten);
});
