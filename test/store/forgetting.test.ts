import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { pruneRevocations, pruneSessions, pruneTokens, pruneWallets } from '../../src/db/auth-pruning.js';
import { insertRevocation } from '../../src/db/auth-sessions.js';
import {
  markTokenDeleted,
  markTokenUsed,
  reserveJoinToken,
  tokensToRevoke,
  usedTokens,
} from '../../src/db/join-tokens.js';
import { forgetProvider, staleProviders } from '../../src/db/never-joined.js';
import { forgetJoinTokens, forgetUnreadyJobs, idleTenants, retireToken, uselessTokens } from '../../src/db/tidy.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession, testWallet } from '../support/fleet.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query(
    'truncate jobs, allocations, providers, auth_wallets, auth_charges, auth_revocations cascade',
  );
});

const pool = () => database.pool;
const days = (count: number) => new Date(Date.now() - count * 86_400_000);
const month = () => days(30);
const column = async (sql: string): Promise<unknown[]> =>
  (await pool().query<{ value: unknown }>(`${sql} order by 1`)).rows.map(({ value }) => value);

describe('jobs that were never ready', () => {
  /** A job that ended this long ago; `more` has further columns. */
  async function job(name: string, { ended = 40, started = false, more = '' } = {}): Promise<void> {
    const id = randomUUID();
    await pool().query(
      `insert into jobs (job_id, job_name, wallet, request_sha256, image, gpu_count, cpu_cores, memory_mb, storage_gb,
                         duration_s, status, ended_at, started_at)
       values ($1, $2, $3, '', '', 0, 1, 1, 1, 1, 'failed', $4, $5)`,
      [id, name, testWallet, days(ended), started ? days(41) : null],
    );
    if (more !== '')
      await pool().query(more, [id, ...(more.includes('$2') ? [await putSession(pool(), testWallet)] : [])]);
  }
  const charge = (spent: number | null) =>
    `insert into auth_charges (job_id, session_id, reserved, spent, settled_at)
     values ($1, $2, 5, ${spent === null ? 'null, null' : `${spent}, now()`})`;

  test('a job that was never ready is forgotten after its time, unless it is in the ledger, holds capacity or may still be asked for', async () => {
    await putProvider(pool(), { providerId: 'atlas' });
    await job('old');
    await job('old and free of charge', { more: charge(0) });
    await job('old and given up before its placement', {
      more: 'insert into allocations (job_id, released_at) values ($1, now())',
    });
    await job('new', { ended: 20 });
    await job('was ready', { started: true });
    await job('cost something', { more: charge(1) });
    await job('is not settled', { more: charge(null) });
    await job('holds a machine', {
      more: `insert into allocations (job_id, provider_id, wallet, node_name) values ($1, 'atlas', '', '')`,
    });
    expect(await forgetUnreadyJobs(pool(), month())).toBe(3);
    const stay = ['cost something', 'holds a machine', 'is not settled', 'new', 'was ready'];
    expect(await column('select job_name as value from jobs')).toEqual(stay);
    expect(await column('select spent::int as value from auth_charges')).toEqual([1, null]);
    expect(await column('select provider_id as value from allocations')).toEqual(['atlas']);
    expect(await forgetUnreadyJobs(pool(), month())).toBe(0);
  });
});

describe('sessions, tokens and revocations', () => {
  async function session(
    label: string,
    { expired = 40, wallet = testWallet, set = '', more = '' } = {},
  ): Promise<void> {
    const id = await putSession(pool(), wallet);
    await pool().query(`update auth_sessions set label = $2, expires_at = $3 ${set} where id = $1`, [
      id,
      label,
      days(expired),
    ]);
    if (more !== '') await pool().query(more, [id]);
  }

  test('an expired session is forgotten after its time unless the ledger or its key needs it, and its wallet with its last session', async () => {
    const [other, busy] = [`0x${'b'.repeat(40)}`, `0x${'c'.repeat(40)}`];
    await session('old');
    await session('old, the only one of its wallet', { wallet: other });
    await session('revoked long ago', { expired: 400, set: ', revoked_at = created_at' });
    await session('new', { expired: 20 });
    await session('revoked', { set: ', revoked_at = created_at' });
    await session('spent', { wallet: busy, set: ', spent = 1' });
    await session('reserved', { wallet: busy, set: ', reserved = 1' });
    await session('ordered what cost nothing', {
      more: `insert into auth_charges (job_id, session_id, reserved, spent, settled_at) values (gen_random_uuid(), $1, 5, 0, now())`,
    });
    expect(await pruneSessions(pool(), month())).toBe(3);
    const stay = ['new', 'ordered what cost nothing', 'reserved', 'revoked', 'spent'];
    expect(await column('select label as value from auth_sessions')).toEqual(stay);
    expect(await column('select wallet as value from auth_wallets')).toEqual([testWallet, busy]);
  });

  test('tokens, signed revocations and wallets that revoked everything are forgotten after their time', async () => {
    const id = await putSession(pool(), testWallet);
    for (const expired of [40, 20]) {
      await pool().query(
        `insert into auth_tokens (token_sha256, id, session_id, scopes, created_at, expires_at)
         values ($1, gen_random_uuid(), $2, '{}', now(), $3)`,
        [randomBytes(32), id, days(expired)],
      );
      const revocation = { wallet: testWallet, sessionKey: testWallet, signature: '0x', now: days(expired) };
      await insertRevocation(pool(), { ...revocation, nonce: `0x${String(expired).repeat(32)}` });
      await pool().query('insert into auth_wallets values ($1, $2)', [
        `0x${String(expired).repeat(20)}`,
        days(expired),
      ]);
    }
    await pool().query('update auth_wallets set logins_void_before = $2 where wallet = $1', [testWallet, days(40)]);
    expect(await pruneTokens(pool(), month())).toBe(1);
    expect(await pruneRevocations(pool(), month())).toBe(1);
    expect(await pruneWallets(pool(), month())).toBe(1);
    expect(await column('select nonce as value from auth_revocations')).toEqual([`0x${'20'.repeat(32)}`]);
    expect(await column('select wallet as value from auth_wallets')).toEqual([`0x${'20'.repeat(20)}`, testWallet]);
  });
});

describe('a join token', () => {
  const [first, second] = ['provider:registration/1-0/atlas', 'provider:registration/2-0/atlas'];
  const reserve = (messageId = first, ttlS = 600) =>
    reserveJoinToken(pool(), { providerId: 'atlas', messageId, nodeName: 'atlas', ttlS });
  beforeEach(() => putProvider(pool(), { providerId: 'atlas' }));
  const unused = `update join_tokens set created_at = now() + interval '1 hour'`;

  test('a repeated message gets the same join token for as long as it was to last, and another message gets another token', async () => {
    const token = await reserve();
    expect(await reserve(first, 6_000)).toEqual(token);
    expect((await reserve(second)).tokenId).not.toBe(token.tokenId);
  });

  test('a join token that has expired or is missing in the cluster is created again under the same id', async () => {
    const { tokenId } = await reserve(first, 0);
    const anew = await reserve();
    expect(anew.tokenId).toBe(tokenId);
    expect(anew.expiresAt.getTime()).toBeGreaterThan(Date.now() + 500_000);
    await markTokenDeleted(pool(), tokenId);
    expect(await tokensToRevoke(pool(), 'atlas')).toEqual([]);
    expect((await reserve(first, 6_000)).expiresAt.getTime()).toBeGreaterThan(Date.now() + 5_000_000);
    expect(await tokensToRevoke(pool(), 'atlas')).toEqual([tokenId]);
  });

  test('a join token is revoked with all others of its provider, and before its time only if it was used', async () => {
    const [old, used] = [await reserve(), await reserve(second)];
    await markTokenUsed(pool(), used.tokenId);
    expect((await tokensToRevoke(pool(), 'atlas')).sort()).toEqual([old.tokenId, used.tokenId].sort());
    expect(await usedTokens(pool(), 'atlas')).toEqual([used.tokenId]);
    await markTokenDeleted(pool(), used.tokenId);
    expect(await usedTokens(pool(), 'atlas')).toEqual([]);
  });

  test('a join token is removed from the cluster once it has expired or its node has joined, and forgotten later', async () => {
    const [good, expired] = [await reserve(), await reserve(second, -1)];
    await pool().query(unused);
    expect(await uselessTokens(pool(), 10)).toEqual([expired.tokenId]);
    let removed = 0;
    const remove = () => Promise.resolve(void (removed += 1));
    expect(await retireToken(pool(), good.tokenId, remove)).toBe(false);
    expect(await retireToken(pool(), expired.tokenId, remove)).toBe(true);
    expect(await retireToken(pool(), expired.tokenId, remove)).toBe(false);
    expect(removed).toBe(1);
    await pool().query(`update join_tokens set created_at = now() - interval '1 hour'`);
    expect(await uselessTokens(pool(), 10)).toEqual([good.tokenId]);
    expect(await forgetJoinTokens(pool(), days(1))).toBe(0);
    expect(await forgetJoinTokens(pool(), days(-1))).toBe(1);
    expect(await column('select token_id as value from join_tokens')).toEqual([good.tokenId]);
  });
});

describe('a provider that never joined', () => {
  test('a provider is forgotten some time after its registration, unless it joined, registered again or may still join', async () => {
    for (const id of ['stale', 'fresh', 'joined', 'invited']) {
      await putProvider(pool(), { providerId: id });
      await pool().query(`update providers set joined_at = null, registration_at = $2 where provider_id = $1`, [
        id,
        days(40),
      ]);
    }
    await pool().query(`update providers set registration_at = $1 where provider_id = 'fresh'`, [days(20)]);
    await pool().query(`update providers set joined_at = $1 where provider_id = 'joined'`, [days(39)]);
    await reserveJoinToken(pool(), { providerId: 'invited', messageId: 'm', nodeName: 'invited', ttlS: 600 });
    expect(await staleProviders(pool(), month(), 10)).toEqual(['stale']);
    const told: string[] = [];
    for (const id of ['stale', 'fresh', 'joined', 'invited']) {
      const tell = () => Promise.resolve(void told.push(id));
      expect(await forgetProvider(pool(), id, month(), tell)).toBe(id === 'stale');
    }
    expect(told).toEqual(['stale']);
    expect(await column('select provider_id as value from providers')).toEqual(['fresh', 'invited', 'joined']);
  });
});

test('a namespace is idle once its wallet has had no job there for a while, and no job that may still come to it', async () => {
  const wallet = (digit: number) => `0x${String(digit).repeat(40)}`;
  const put = (digit: number, namespace: string | null, endedS: number | null) =>
    pool().query(
      `insert into jobs (job_id, wallet, request_sha256, image, gpu_count, cpu_cores, memory_mb, storage_gb, duration_s, status,
                         namespace, ended_at)
       values (gen_random_uuid(), $1, '', '', 0, 1, 1, 1, 1, case when $3::float8 is null then 'running' else 'failed' end, $2,
               now() - make_interval(secs => $3))`,
      [wallet(digit), namespace, endedS],
    );
  await put(1, 't-1', null);
  await put(2, null, null);
  await put(3, 't-3', 100);
  await put(4, 't-4', 5_000);
  await put(5, 'elsewhere', null);
  const tenants = [1, 2, 3, 4, 5, 6].map((digit) => ({ wallet: wallet(digit), namespace: `t-${digit}` }));
  expect([...(await idleTenants(pool(), tenants, 3_600))].sort()).toEqual(['t-4', 't-5', 't-6']);
});
