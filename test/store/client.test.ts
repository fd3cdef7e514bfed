import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { connect, isCode, memoryStore, WorldLandError, type ConnectOptions } from '../../src/client/index.js';
import { audience, newWallet, startApi, type Api } from '../support/api.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { roomySettings, silentAnnouncements } from '../support/tried-api.js';

const operator = newWallet();
const clock = { offsetMs: 0 };
let database: TestDatabase;
let redis: TestRedis;
let api: Api;
beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
  const commands = {
    jobs: {
      startAndWait: async () => 'still_starting' as const,
      cancel: async () => 'still_ending' as const,
      extend: async () => ({ expiresAt: new Date().toISOString() }),
    },
    ...silentAnnouncements,
  };
  api = await startApi({
    ...{ database, redis, commands },
    env: roomySettings(operator),
    now: () => Date.now() + clock.offsetMs,
  });
});
afterAll(async () => {
  await api.stop();
  await Promise.all([database.close(), redis.close()]);
});

const client = (options: Partial<ConnectOptions> = {}) => connect({ api: api.url, audience, retries: 0, ...options });
const codeOf = async (of: Promise<unknown>) => {
  const error = await of.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return error instanceof WorldLandError ? error.code : error;
};
const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl me@example';
const order = { gpu_count: 0, ssh_public_keys: [sshKey], duration_hours: 1 };

test('a wallet logs in with a limit in tokens, and the broker says the same of its session', async () => {
  const wl = client();
  const wallet = newWallet();
  const session = await wl.login({ wallet, spendLimit: '2.5', ttlSeconds: 3_600, label: 'laptop' });
  const me = await wl.whoami();
  expect(me).toMatchObject({
    wallet: wallet.address.toLowerCase(),
    kind: 'bearer',
    spend_remaining: '2500000000000000000',
  });
  expect([me.session_id, me.session_key]).toEqual([session.sessionId, session.sessionKey]);
  const [listed, ...others] = await wl.sessions.list();
  expect(others).toEqual([]);
  expect(listed).toMatchObject({ label: 'laptop', current: true, live: true });
  // All requests but the one that made it went by one token.
  expect(listed!.tokens).toHaveLength(1);
});

test('a broker that calls itself otherwise than it is called is refused, with both names', async () => {
  const error = await client({ audience: api.url })
    .login({ wallet: newWallet() })
    .catch((thrown: unknown) => thrown);
  expect(isCode(error, 'protocol') && error.data).toEqual({ field: 'audience', proposed: audience, asked: api.url });
});

test('an order with a key makes one job, however often it is sent', async () => {
  const wl = client();
  await wl.login({ wallet: newWallet(), spendLimit: '100' });
  const first = await wl.jobs.create(order, { wait: 0, idempotencyKey: 'one' });
  const again = await wl.jobs.create(order, { wait: 0, idempotencyKey: 'one' });
  expect(again.job.job_id).toBe(first.job.job_id);
  await wl.jobs.create(order, { wait: 0 });
  await wl.jobs.create(order, { wait: 0 });
  expect(await wl.jobs.list().all()).toHaveLength(3);
  expect(await wl.jobs.list({ status: 'active', limit: 1 }).all(2)).toHaveLength(2);
  expect((await wl.jobs.get(first.job.job_id)).status).toBe('pending');
  expect(await codeOf(wl.jobs.get('01a213d5-7827-7f47-ba5f-71098ca0dbe5'))).toBe('job_not_found');
});

test('fields that are not acceptable come back by name', async () => {
  const wl = client();
  await wl.login({ wallet: newWallet(), spendLimit: '100' });
  const error = await wl.jobs.create({ ...order, gpu_count: -1 }).catch((thrown: unknown) => thrown);
  expect(isCode(error, 'validation_failed') && error.fields?.map(({ field }) => field)).toEqual(['gpu_count']);
});

test('a client whose clock is wrong logs in and signs by the broker’s', async () => {
  clock.offsetMs = 7_200_000;
  try {
    const wl = client();
    await wl.login({ wallet: newWallet() });
    expect((await wl.tokens.create({ ttlSeconds: 60 })).token).toMatch(/^wlb_/);
    clock.offsetMs = -7_200_000;
    const other = client();
    await other.login({ wallet: newWallet() });
    clock.offsetMs = 0;
    // Its clock was right a moment ago.
    expect((await other.tokens.create({ ttlSeconds: 60 })).token).toMatch(/^wlb_/);
  } finally {
    clock.offsetMs = 0;
  }
});

test('a token is enough for what a token may do, and what has to be signed says so', async () => {
  const wl = client();
  await wl.login({ wallet: operator, scopes: ['admin', 'jobs:read'] });
  const { token } = await wl.tokens.create({ scopes: ['jobs:read'] });
  const byToken = client({ token });
  expect(await byToken.jobs.list().all()).toEqual([]);
  expect(await codeOf(byToken.jobs.create(order))).toBe('scope_denied');
  expect(await codeOf(byToken.admin.tenants({ wallet: operator.address }))).toBe('not_logged_in');
  expect(await wl.admin.tenants({ wallet: operator.address })).toEqual([]);
});

test('a session goes on in another process through its store, and ends for both by a logout', async () => {
  const store = memoryStore();
  const wl = client({ store });
  await wl.login({ wallet: newWallet() });
  const other = client({ store });
  expect((await other.whoami()).session_id).toBe(wl.session!.sessionId);
  await other.logout();
  expect(await codeOf(wl.sessions.list())).toBe('session_revoked');
  expect(await codeOf(client({ store }).whoami())).toBe('auth_required');
});

test('a wallet ends its sessions by itself when their keys are lost', async () => {
  const wallet = newWallet();
  const wl = client();
  await wl.login({ wallet });
  await wl.jobs.list().all();
  await client().revokeByWallet({ wallet });
  expect(await codeOf(wl.jobs.list().all())).toBe('session_revoked');
});

test('a job’s events are read from its first one on, and end with the signal', async () => {
  const wl = client();
  await wl.login({ wallet: newWallet(), spendLimit: '100' });
  const { job } = await wl.jobs.create(order, { wait: 0 });
  const stop = new AbortController();
  const seen: string[] = [];
  const reading = (async () => {
    for await (const { kind, job_id } of wl.jobs.events(job.job_id, { signal: stop.signal })) {
      seen.push(kind);
      expect(job_id).toBe(job.job_id);
      stop.abort();
    }
  })();
  expect(await codeOf(reading)).toBe('aborted');
  expect(seen).toEqual(['ordered']);
});

test('the site, the market and offers are there for everybody', async () => {
  const wl = client();
  expect(await wl.site()).toMatchObject({ audience, token: { decimals: 18 } });
  expect((await wl.market.now()).gpu_types).toEqual([]);
  expect(await wl.offers.list({ gpu: '4090', all: true }).all()).toEqual([]);
  expect(await wl.quote({ gpu_count: 0 })).toMatchObject({ can_start: false, binding: false });
});
