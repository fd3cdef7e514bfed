import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  countLiveSessions,
  findSession,
  insertRevocation,
  lockWallet,
  revokeAllSessions,
  revokeSession,
  revokeSessionKey,
  touchSession,
} from '../../src/db/auth-sessions.js';
import { insertToken, liveTokens, revokeToken } from '../../src/db/auth-tokens.js';
import { withTransaction } from '../../src/db/pool.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putSession } from '../support/fleet.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());

const pool = () => database.pool;
const newWallet = () => `0x${randomBytes(20).toString('hex')}`;
const begun = Date.now();
const minutes = (count: number) => new Date(begun + count * 60_000);
const session = async (id: string) => (await findSession(pool(), id))!;

/** A token that is valid for this many minutes. */
async function token(sessionId: string, lastsMinutes: number, limit = 100): Promise<string | undefined> {
  const id = randomUUID();
  const made = { id, sessionId, scopes: ['jobs:read'], createdAt: minutes(0), expiresAt: minutes(lastsMinutes) };
  const isThere = await withTransaction(pool(), (tx) => insertToken(tx, { ...made, sha256: randomBytes(32) }, limit));
  return isThere ? id : undefined;
}

describe('a session that is revoked', () => {
  test('a revoked session keeps the time of its first revocation, and only its own wallet can revoke it', async () => {
    const [wallet, other] = [newWallet(), newWallet()];
    const id = await putSession(pool(), wallet);
    const { sessionKey } = await session(id);
    expect(await revokeSession(pool(), other, id, minutes(0))).toBe(false);
    expect(await revokeSessionKey(pool(), other, sessionKey, minutes(0))).toBe(false);
    expect(await session(id)).not.toHaveProperty('revokedAt');
    expect(await revokeSession(pool(), wallet, id, minutes(1))).toBe(true);
    expect(await revokeSession(pool(), wallet, id, minutes(2))).toBe(true);
    expect(await revokeSessionKey(pool(), wallet, sessionKey, minutes(3))).toBe(true);
    await revokeAllSessions(pool(), wallet, minutes(4));
    expect((await session(id)).revokedAt).toEqual(minutes(1));
  });

  test('a revoked session gets no more tokens', async () => {
    const wallet = newWallet();
    const id = await putSession(pool(), wallet);
    expect(await token(id, 5)).toBeDefined();
    await revokeSession(pool(), wallet, id, minutes(0));
    expect(await token(id, 5)).toBeUndefined();
  });

  test('revoking all sessions of a wallet also voids its unfinished logins, and an earlier revocation does not undo that', async () => {
    const [wallet, other] = [newWallet(), newWallet()];
    const [first, second, others] = [
      await putSession(pool(), wallet),
      await putSession(pool(), wallet),
      await putSession(pool(), other),
    ];
    expect(await countLiveSessions(pool(), wallet, minutes(0))).toBe(2);
    await revokeAllSessions(pool(), wallet, minutes(5));
    await revokeAllSessions(pool(), wallet, minutes(3));
    expect((await lockWallet(pool(), wallet)).loginsVoidBefore).toEqual(minutes(5));
    expect([(await session(first)).revokedAt, (await session(second)).revokedAt]).toEqual([minutes(5), minutes(5)]);
    expect(await session(others)).not.toHaveProperty('revokedAt');
    expect(await countLiveSessions(pool(), wallet, minutes(0))).toBe(0);
    expect(await countLiveSessions(pool(), other, minutes(0))).toBe(1);
    // It expired by itself.
    expect(await countLiveSessions(pool(), other, minutes(60 * 24 * 365))).toBe(0);
  });
});

test('a signed revocation is carried out once', async () => {
  const revocation = { wallet: newWallet(), nonce: `0x${'1'.repeat(64)}`, sessionKey: newWallet(), signature: '0x' };
  expect(await insertRevocation(pool(), { ...revocation, now: minutes(0) })).toBe(true);
  expect(await insertRevocation(pool(), { ...revocation, now: minutes(1) })).toBe(false);
  expect(await insertRevocation(pool(), { ...revocation, wallet: newWallet(), now: minutes(1) })).toBe(true);
});

test('the time when a session was last used is written now and then, and never set back', async () => {
  const id = await putSession(pool(), newWallet());
  const touch = (at: number) => touchSession(pool(), id, minutes(at), minutes(at - 5));
  await touch(10);
  await touch(14);
  expect((await session(id)).lastUsedAt).toEqual(minutes(10));
  await touch(16);
  expect((await session(id)).lastUsedAt).toEqual(minutes(16));
  await touch(12);
  expect((await session(id)).lastUsedAt).toEqual(minutes(16));
});

describe('tokens of a session', () => {
  test('a session has a limited number of live tokens, and an expired or revoked one makes room', async () => {
    const wallet = newWallet();
    const id = await putSession(pool(), wallet);
    await token(id, -1, 2);
    const first = await token(id, 5, 2);
    expect(await token(id, 5, 2)).toBeDefined();
    expect(await token(id, 5, 2)).toBeUndefined();
    expect(await revokeToken(pool(), newWallet(), first!, minutes(0))).toBe(false);
    expect(await token(id, 5, 2)).toBeUndefined();
    expect(await revokeToken(pool(), wallet, first!, minutes(0))).toBe(true);
    expect(await token(id, 5, 2)).toBeDefined();
    expect(await liveTokens(pool(), [id], minutes(0))).toHaveLength(2);
    expect(await liveTokens(pool(), [id], minutes(6))).toEqual([]);
  });

  test('concurrent requests do not get a session more tokens than its limit', async () => {
    const id = await putSession(pool(), newWallet());
    const made = await Promise.all(Array.from({ length: 12 }, () => token(id, 5, 3)));
    expect(made.filter((found) => found !== undefined)).toHaveLength(3);
  });
});
