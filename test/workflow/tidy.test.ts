import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { insertRevocation } from '../../src/db/auth-sessions.js';
import { reserveJoinToken } from '../../src/db/join-tokens.js';
import { providerWorkflowId } from '../../src/domain/provider.js';
import { responseStream } from '../../src/wire/streams.js';
import { createProviderSignals } from '../../src/temporal/providers.js';
import { putProvider, putSession, testOrder, testWallet } from '../support/fleet.js';
import { createReconciledWorld, type ReconciledWorld } from '../support/reconciled-world.js';
import { until } from '../support/until.js';

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

test('rows of logins that can have no effect any more are removed, and no others', async () => {
  const { pool } = world.database;
  const live = await putSession(pool, testWallet);
  const long = await expiredSession(91 * day);
  const recent = await expiredSession(89 * day);
  const revoked = await expiredSession(91 * day, 'expires_at = $2, revoked_at = $2');
  const longRevoked = await expiredSession(456 * day, 'expires_at = $2, revoked_at = $2');
  const spent = await expiredSession(456 * day, 'expires_at = $2, spent = 1');
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
  expect(sessions).toEqual(expect.arrayContaining([live, recent, revoked, spent, paid]));
  expect(sessions).not.toContain(long);
  expect(sessions).not.toContain(longRevoked);
  const tokens = await ids('select id from auth_tokens');
  expect(tokens).toContain(fresh);
  expect(tokens).not.toContain(old);
  expect(tokens).not.toContain(ofLong);
  expect(await ids('select nonce as id from auth_revocations')).toEqual([`0x${'2'.repeat(64)}`]);
  const joinTokens = await ids('select token_id as id from join_tokens');
  expect(joinTokens).toEqual(expect.arrayContaining([kept, inUse]));
  expect(joinTokens).not.toContain(forgotten);
});

test('a wallet is removed with its last session, once everything that it revoked is long over', async () => {
  const { pool } = world.database;
  const [gone, kept, revoked, fresh] = Array.from({ length: 4 }, () => `0x${randomBytes(20).toString('hex')}`) as [
    string,
    string,
    string,
    string,
  ];
  const over = async (wallet: string) => {
    const id = await putSession(pool, wallet);
    await pool.query('update auth_sessions set expires_at = $2 where id = $1', [id, ago(91 * day)]);
  };
  await over(gone);
  await over(kept);
  await putSession(pool, kept);
  await pool.query('insert into auth_wallets (wallet, logins_void_before) values ($1, $2), ($3, $4)', [
    ...[revoked, ago(2 * day)],
    ...[fresh, new Date()],
  ]);
  expect(await world.reconcile()).toMatchObject({ failures: [] });
  const { rows } = await pool.query('select wallet from auth_wallets where wallet = any ($1)', [
    [gone, kept, revoked, fresh],
  ]);
  expect(rows.map(({ wallet }) => wallet).sort()).toEqual([kept, fresh].sort());
});

test('jobs that were never ready are forgotten after 90 days, and nothing that was ever paid for', async () => {
  const { pool } = world.database;
  const sessionId = await putSession(pool, testWallet);
  const job = async ({ endedMs = 91 * day, ready = false, spent = 0 }) => {
    const { jobId } = testOrder();
    await pool.query(
      `insert into jobs (job_id, wallet, session_id, request_sha256, image, gpu_count, cpu_cores, memory_mb, storage_gb,
                         duration_s, status, created_at, started_at, ended_at)
       values ($1, $2, $3, '', '', 1, 1, 1, 1, 1, 'failed', $4, $5, $4)`,
      [jobId, testWallet, sessionId, ago(endedMs), ready ? ago(endedMs) : null],
    );
    await pool.query('insert into allocations (job_id, released_at) values ($1, now())', [jobId]);
    await pool.query(
      'insert into auth_charges (job_id, session_id, reserved, spent, settled_at) values ($1, $2, 1, $3, now())',
      [jobId, sessionId, spent],
    );
    return jobId;
  };
  const never = await job({});
  const stay = [await job({ endedMs: 89 * day }), await job({ ready: true }), await job({ spent: 1 })];
  expect(await world.reconcile()).toMatchObject({ failures: [] });
  for (const table of ['jobs', 'allocations', 'auth_charges']) {
    const { rows } = await pool.query<{ job_id: string }>(`select job_id from ${table} where job_id = any ($1)`, [
      [never, ...stay],
    ]);
    expect(rows.map(({ job_id }) => job_id).sort()).toEqual([...stay].sort());
  }
});

test('claims of machines that never sent anything, and revoked keys without a valid delegation, are forgotten', async () => {
  const { pool } = world.database;
  const identity = (id: string, boundAt: Date, signedAt: Date | null) =>
    pool.query(
      `insert into provider_identities (provider_id, wallet, node_key, delegation, delegation_signature, chain_id,
                                        spec_hash, issued_at, expires_at, bound_at, signed_at)
       values ($1, $2, $2, '{}', '', 1, '0x' || repeat('0', 64), now(), now(), $3, $4)`,
      [id, testWallet, boundAt, signedAt],
    );
  await identity('claimed-long-ago', ago(91 * day), null);
  await identity('claimed-lately', ago(day), null);
  await identity('spoke', ago(400 * day), ago(400 * day));
  await pool.query(
    'insert into provider_revoked_keys (provider_id, node_key, revoked_at) values ($1, $2, $3), ($1, $4, $5)',
    ['spoke', `0x${'1'.repeat(40)}`, ago(92 * day), `0x${'2'.repeat(40)}`, ago(89 * day)],
  );
  expect(await world.reconcile()).toMatchObject({ failures: [] });
  const { rows } = await pool.query('select provider_id from provider_identities order by 1');
  expect(rows.map(({ provider_id }) => provider_id)).toEqual(['claimed-lately', 'spoke']);
  const { rows: keys } = await pool.query('select node_key from provider_revoked_keys');
  expect(keys).toEqual([{ node_key: `0x${'2'.repeat(40)}` }]);
});

test('a provider that never joined is forgotten a week after it registered, its workflow ends, and it may register again', async () => {
  const { pool } = world.database;
  const registered = async (name: string, days: number, joined = 'null') => {
    const providerId = `${name}-${randomUUID().slice(0, 8)}`;
    await putProvider(pool, { providerId });
    await pool.query(
      `update providers set joined_at = ${joined}, node_uid = null, node_ready = false, status = 'pending',
                            registration_at = $2
        where provider_id = $1`,
      [providerId, ago(days * day)],
    );
    return providerId;
  };
  const stale = await registered('stale', 8);
  const recent = await registered('recent', 6);
  const served = await registered('served', 8, 'now()');
  const joining = await registered('joining', 8);
  await reserveJoinToken(pool, { providerId: joining, messageId: 'm', nodeName: joining, ttlS: 600 });
  const { workflow } = world.temporal.client;
  const stateOf = async (providerId: string) =>
    (await workflow.getHandle(providerWorkflowId(providerId)).describe()).status.name;

  // The first run starts their workflows, which are missing.
  expect(await world.reconcile()).toMatchObject({ failures: [] });
  const { rows } = await pool.query('select provider_id from providers where provider_id = any ($1) order by 1', [
    [stale, recent, served, joining],
  ]);
  expect(rows.map(({ provider_id }) => provider_id)).toEqual([joining, recent, served].sort());
  await until(async () => (await stateOf(stale)) === 'COMPLETED', { name: 'its workflow is over' });
  expect(await stateOf(recent)).toBe('RUNNING');

  await createProviderSignals(world.temporal.client, world.config).registrationReceived(stale, 'a message');
  expect(await stateOf(stale)).toBe('RUNNING');
  for (const providerId of [stale, recent, served, joining]) {
    await workflow.getHandle(providerWorkflowId(providerId)).terminate('a test');
  }
});

test('a stream on which an agent waits in vain is removed after a week', async () => {
  const { redis } = world.redis;
  const [waits, answered] = [responseStream('waits-in-vain'), responseStream('answered')];
  await redis.xgroup('CREATE', waits, 'provider', '$', 'MKSTREAM');
  await redis.xadd(answered, '*', 'data', '{}');
  await redis.expire(answered, 60);
  expect(await world.reconcile()).toMatchObject({ failures: [] });
  expect(await redis.ttl(waits)).toBeGreaterThan(6 * 86_400);
  expect(await redis.ttl(answered)).toBeLessThanOrEqual(60);
});
