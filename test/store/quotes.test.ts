import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { startApi, type Api } from '../support/api.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider } from '../support/fleet.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

let database: TestDatabase;
let redis: TestRedis;
let api: Api;
beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
  api = await startApi({ database, redis, config: { ALLOW_FREE_JOBS: false } });
});
afterAll(async () => {
  await api.stop();
  await Promise.all([database.close(), redis.close()]);
});
beforeEach(async () => {
  await database.pool.query('truncate allocations, providers cascade');
});

const pool = () => database.pool;
const quote = async (body: object) => await api.send('POST', '/api/v1/quotes', { body });
const token = 10n ** 18n;

describe('a quote', () => {
  test('a quote says what an order would cost, and where, to somebody without a credential', async () => {
    await putProvider(pool(), { providerId: 'cheap', gpuPrice: 0.5 });
    await putProvider(pool(), { providerId: 'dear', gpuPrice: 0.55 });
    const { status, json, headers } = await quote({ gpu_type: 'RTX 4090', gpu_count: 2, duration_hours: 4 });
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(json).toMatchObject({
      can_start: true,
      price_per_hour: 1,
      cost: { expected: '4000000000000000000', at_most: '4400000000000000000' },
      currency: { symbol: 'WLC', decimals: 18 },
      offers: [
        { provider_id: 'cheap', rate_per_hour: '1000000000000000000', total: '4000000000000000000', can_start: true },
        { provider_id: 'dear', price_per_hour: 1.1 },
      ],
      ...{ why_not: [], binding: false },
    });
    expect(json).not.toHaveProperty('session');
  });

  test('a quote makes nothing: no job, no charge, no reservation', async () => {
    await putProvider(pool(), { providerId: 'cheap' });
    const session = await api.login({ spendLimit: token });
    await session.request('POST', '/api/v1/quotes', { gpu_type: '4090' });
    const { rows } = await pool().query(
      `select (select count(*) from jobs) as jobs, (select count(*) from auth_charges) as charges,
              (select count(*) from allocations) as allocations, (select sum(reserved) from auth_sessions) as reserved`,
    );
    expect(rows).toEqual([{ jobs: 0, charges: 0, allocations: 0, reserved: '0' }]);
  });

  test('a quote tells a customer whether his session covers the order', async () => {
    await putProvider(pool(), { providerId: 'cheap', gpuPrice: 0.5 });
    const session = await api.login({ spendLimit: token });
    const ask = async (hours: number) =>
      (await session.request('POST', '/api/v1/quotes', { gpu_type: '4090', duration_hours: hours })).body as {
        session: object;
      };
    expect((await ask(2)).session).toEqual({ remaining: '1000000000000000000', covers: true });
    expect((await ask(3)).session).toEqual({ remaining: '1000000000000000000', covers: false });
  });

  test('a bad credential is refused, and not passed over', async () => {
    const body = { gpu_type: '4090' };
    const bearer = `wlb_${'a'.repeat(43)}`;
    const { status, json } = await api.send('POST', '/api/v1/quotes', { body, bearer });
    expect([status, json.code, json.detail]).toEqual([
      401,
      'session_unknown',
      'token unknown or expired: log in again (wl login)',
    ]);
  });
});

test('an order that names no GPU says so in its job, and one that names one does not', async () => {
  await putProvider(pool(), { providerId: 'cheap', gpuPrice: 0.5 });
  const session = await api.login({ spendLimit: 100n * token });
  const keys = ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test'];
  const order = async (gpus: object) => {
    // No workflow runs here: the order is written, and stays where it is.
    const { body } = await session.request('POST', '/api/v1/jobs', { ssh_public_keys: keys, ...gpus });
    const { job_id: id } = body as { job_id: string };
    return ((await session.request('GET', `/api/v1/jobs/${id}`)).body as { any_gpu_type: boolean }).any_gpu_type;
  };
  expect(await order({})).toBe(true);
  expect(await order({ gpu_type: '4090' })).toBe(false);
  expect(await order({ gpu_count: 0 })).toBe(false);
});

describe('a quote for what nobody has', () => {
  const whyNot = async (body: object) => {
    const { json } = await quote(body);
    expect(json).toMatchObject({ can_start: false, price_per_hour: null, cost: null, offers: [] });
    return json.why_not as { limit: string; asked: unknown; nearest: unknown; text: string }[];
  };
  const told = async (body: object) => (await whyNot(body)).map(({ limit, asked, nearest }) => [limit, asked, nearest]);

  beforeEach(async () => {
    await putProvider(pool(), { providerId: 'small', cpuCores: 30, memoryMb: 65_536, diskGb: 500, gpuPrice: 0.5 });
    await putProvider(pool(), { providerId: 'large', gpus: { model: 'RTX 4090', count: 4 }, gpuPrice: 0.7 });
    await putProvider(pool(), { providerId: 'other', gpus: { model: 'Tesla T4', count: 16 }, gpuPrice: 0.1 });
  });

  test('it names the one condition that failed, and the nearest that somebody has', async () => {
    expect(await told({ gpu_type: '4090', gpu_count: 9 })).toEqual([['gpu_count', 9, 8]]);
    expect(await told({ gpu_type: '4090', max_price_per_hour: 0.01 })).toEqual([['max_price_per_hour', 0.01, 0.5]]);
    expect(await told({ gpu_type: '4090', memory_gb: 1000 })).toEqual([['memory_gb', 1000, 976.563]]);
    expect(await told({ gpu_type: '4090', min_vram_gb: 48 })).toEqual([['min_vram_gb', 48, 24]]);
    expect(await told({ gpu_type: '4090', provider_id: 'small', cpu_cores: 31 })).toEqual([['cpu_cores', 31, 30]]);
    expect(await told({ gpu_type: 'T4', provider_id: 'small' })).toEqual([
      ['provider_id', 'small', null],
      ['gpu_type', 't4', 'NVIDIA GeForce RTX 4090'],
    ]);
  });

  test('it names every condition of the nearest machine when each machine fails several', async () => {
    const { json } = await quote({ gpu_type: 'T4', gpu_count: 17, cpu_cores: 1_001 });
    expect([json.why_not_each, json.why_not.map(({ limit }: { limit: string }) => limit)]).toEqual([
      false,
      ['gpu_count', 'cpu_cores'],
    ]);
  });

  test('it tells a type that nobody has from one that is not known', async () => {
    expect(await told({ gpu_type: 'H200' })).toEqual([['gpu_type', 'h200', expect.any(String)]]);
    const unknown = await quote({ gpu_type: 'warp9' });
    expect([unknown.status, unknown.json.errors[0].field, unknown.json.gpu_types.sort()]).toEqual([
      422,
      'gpu_type',
      ['rtx-4090', 'tesla-t4'],
    ]);
  });
});
