import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Session } from '../../src/client/session.js';
import { newWallet, startApi, type Api } from '../support/api.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider } from '../support/fleet.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

let database: TestDatabase;
let redis: TestRedis;
let api: Api;
const started: string[] = [];
const providerId = 'prov-1';

beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
  await putProvider(database.pool, { providerId, gpuPrice: 1 });
  api = await startWith({ MAX_JOBS_PER_WALLET: '1' });
});
afterAll(async () => {
  await api?.stop();
  await Promise.all([database.close(), redis.close()]);
});

/** An API whose jobs only ever start: the tests concern only what precedes a job's row. */
const startWith = (env: Record<string, string>, starts: (jobId: string) => Promise<unknown> = async () => undefined) =>
  startApi({
    database,
    redis,
    env,
    commands: {
      jobs: {
        startAndWait: async ({ jobId }) => {
          started.push(jobId);
          await starts(jobId);
          return 'still_starting';
        },
        cancel: () => Promise.reject(new Error('is not asked for')),
        extend: () => Promise.reject(new Error('is not asked for')),
      },
    },
  });
const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test';
const order = { provider_id: providerId, gpu_count: 1, duration_hours: 1, ssh_public_keys: [sshKey] };
const place = async (session: Session, key: string, change: object = {}, query = '') => {
  const reply = await session.request(
    'POST',
    `/api/v1/jobs${query}`,
    { ...order, ...change },
    { 'idempotency-key': key },
  );
  return { ...(reply.body as { code?: string; job_id?: string }), status: reply.status };
};
const enough = 10n ** 30n;

/** The key works for a first order, and then for that order only. */
async function isUnused(session: Session, key: string): Promise<void> {
  const before = started.length;
  const placed = await place(session, key);
  expect(placed).toMatchObject({ status: 202, job_id: expect.any(String) });
  expect(started.length).toBe(before + 1);
  expect((await place(session, key)).job_id).toBe(placed.job_id);
  expect(await place(session, key, { duration_hours: 2 })).toMatchObject({ status: 409, code: 'idempotency_conflict' });
}

describe('a key of a refused order', () => {
  test.each([
    ['for an invalid value', { gpu_count: -1 }, ''],
    ['for an invalid image', { image: 'not an image' }, ''],
    ['for an unknown field', { gpus: 1 }, ''],
    ['for an unknown query', {}, '?dry_run=1'],
  ])('a key stays unused by an order that was refused %s', async (_why, change, query) => {
    const session = await api.login({ spendLimit: enough });
    const key = randomUUID();
    expect(await place(session, key, change, query)).toMatchObject({ status: 422, code: 'validation_failed' });
    await isUnused(session, key);
  });

  test('a key stays unused by an order that was refused for the quota of its wallet', async () => {
    const session = await api.login({ spendLimit: enough });
    const key = randomUUID();
    const first = await place(session, randomUUID());
    expect(await place(session, key)).toMatchObject({ status: 403, code: 'quota_exceeded' });
    await database.pool.query(`update jobs set status = 'cancelled', ended_at = now() where job_id = $1`, [
      first.job_id,
    ]);
    await isUnused(session, key);
  });

  test('a key stays unused by an order beyond its session’s limit, even when another session of the wallet repeats it', async () => {
    const account = newWallet();
    const poor = await api.login({ account, spendLimit: 1n });
    const key = randomUUID();
    expect(await place(poor, key)).toMatchObject({ status: 403, code: 'spend_limit_exceeded' });
    expect(await place(poor, key)).toMatchObject({ status: 403, code: 'spend_limit_exceeded' });
    await isUnused(await api.login({ account, spendLimit: enough }), key);
  });

  test('a key stays unused by an order that was refused for a scope that the session lacks', async () => {
    const account = newWallet();
    const reader = await api.login({ account, scopes: ['jobs:read'], spendLimit: enough });
    const key = randomUUID();
    expect(await place(reader, key)).toMatchObject({ status: 403, code: 'scope_denied' });
    await isUnused(await api.login({ account, spendLimit: enough }), key);
  });

  test('a key stays unused by an order that was refused for the rate of its wallet', async () => {
    const limited = await startWith({ RATE_LIMIT_JOBS: '1', MAX_JOBS_PER_WALLET: '1000' });
    try {
      const account = newWallet();
      const key = randomUUID();
      const session = await limited.login({ account, spendLimit: enough });
      const refused = [];
      for (let i = 0; i < 3; i++) refused.push(await place(session, i === 0 ? randomUUID() : key));
      expect(refused.at(-1)).toMatchObject({ status: 429, code: 'rate_limited' });
      await database.pool.query(
        `update jobs set status = 'cancelled', ended_at = now() where wallet = $1 and ended_at is null`,
        [account.address.toLowerCase()],
      );
      await isUnused(await api.login({ account, spendLimit: enough }), key);
    } finally {
      await limited.stop();
    }
  });
});

test('a key is used from the moment when the order is stored, even while no job can be started', async () => {
  const away = await startApi({ database, redis });
  try {
    const account = newWallet();
    const session = await away.login({ account, spendLimit: enough });
    const key = randomUUID();
    expect(await place(session, key)).toMatchObject({ status: 503, job_id: expect.any(String) });
    const later = await api.login({ account, spendLimit: enough });
    expect(await place(later, key, { duration_hours: 2 })).toMatchObject({ code: 'idempotency_conflict' });
    expect(await place(later, key)).toMatchObject({ status: 202 });
  } finally {
    await away.stop();
  }
});

test('an order is answered with 201 once, and its repeat with 200 while the job runs', async () => {
  const runs = await startWith({}, (jobId) =>
    database.pool.query(`update jobs set status = 'running', started_at = now() where job_id = $1`, [jobId]),
  );
  try {
    const session = await runs.login({ spendLimit: enough });
    const key = randomUUID();
    const first = await place(session, key);
    expect(first).toMatchObject({ status: 201, job_id: expect.any(String) });
    expect(await place(session, key)).toMatchObject({ status: 200, job_id: first.job_id });
  } finally {
    await runs.stop();
  }
});
