import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { encodeCursor } from '../../src/db/cursor.js';
import { allocate } from '../../src/db/allocations.js';
import { retire } from '../../src/db/provider-operations.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, testOrder, type TestProvider } from '../support/fleet.js';
import { startTestApi, type Reply, type TestApi } from '../unit/api-harness.js';

/**
 * The providers, with their registration times: three at one moment. Each comes first in a different order, and each bound
 * of a search falls between two of them.
 */
const fleet: (TestProvider & { at: number })[] = [
  { providerId: 'prov-e', gpuPrice: 0.5, ...gpus(4), cpuCores: 16, memoryMb: 64_000, diskGb: 400, at: 0 },
  { providerId: 'prov-c', gpuPrice: 0.4, ...gpus(8), cpuCores: 32, memoryMb: 32_000, diskGb: 100, at: 1 },
  { providerId: 'prov-a', gpuPrice: 0.6, ...gpus(2), cpuCores: 64, memoryMb: 16_000, diskGb: 200, at: 1 },
  { providerId: 'prov-d', gpuPrice: 0.3, ...gpus(1), cpuCores: 4, memoryMb: 128_000, diskGb: 50, at: 1 },
  { providerId: 'prov-b', gpuPrice: 0.7, ...gpus(6), cpuCores: 8, memoryMb: 8_000, diskGb: 800, at: 2 },
];
const inOrder = ['prov-e', 'prov-a', 'prov-c', 'prov-d', 'prov-b'];

function gpus(count: number): Pick<TestProvider, 'gpus'> {
  return { gpus: { model: 'NVIDIA GeForce RTX 4090', count } };
}

let database: TestDatabase;
let api: TestApi;
beforeAll(async () => {
  database = await freshDatabase();
  const { pool } = database;
  api = await startTestApi({ pool });
  for (const { at, ...provider } of [...fleet, { providerId: 'prov-gone', at: 1 }]) {
    await putProvider(pool, provider);
    await pool.query('update providers set registered_at = $2 where provider_id = $1', [
      provider.providerId,
      new Date(Date.UTC(2026, 2, 1, 12, 0, 0, at)),
    ]);
  }
  expect(await retire(pool, 'prov-gone')).toBe(0);
  // One of four GPUs is free, and six of sixteen cores: free capacity counts, not total capacity.
  const place = { providerId: 'prov-e', nodeName: 'prov-e', gpuType: 'rtx-4090', gpuModel: '', pricePerHour: 0.5 };
  const { rows } = await pool.query<{ name: string }>(
    `select name from provider_resources where provider_id = 'prov-e' and kind = 'gpu'`,
  );
  const order = testOrder({ gpuCount: 3, cpuCores: 10, memoryMb: 4_000, storageGb: 100 });
  expect(await allocate(pool, order, { ...place, gpuType: rows[0]!.name })).toBe('allocated');
});
afterAll(async () => {
  await api.stop();
  await database.close();
});

const get = (target: string) => api.send('GET', `/api/v1/providers${target}`);
const idsOf = ({ json }: Reply) =>
  json.providers.map(({ provider_id }: { provider_id: string }) => provider_id) as string[];

describe('the list of providers', () => {
  test('providers are listed in the order in which they registered, without those that left', async () => {
    expect(idsOf(await get(''))).toEqual(inOrder);
  });

  test.each([1, 2, 3, 4, 5])(
    'the list of providers shows each on one page of %i, even those of the same moment',
    async (limit) => {
      const found: string[][] = [];
      for (let cursor = ''; found.length < 10;) {
        const reply = await get(`?limit=${limit}${cursor}`);
        expect(reply.json.count).toBe(reply.json.providers.length);
        found.push(idsOf(reply));
        if (reply.json.next_cursor === undefined) break;
        cursor = `&cursor=${reply.json.next_cursor}`;
      }
      expect(found.flat()).toEqual(inOrder);
      expect(found).toHaveLength(Math.ceil(inOrder.length / limit));
    },
  );

  test.each([
    ['with an invalid id', encodeCursor('2026-03-01T12:00:00.000Z', 'Not An Id')],
    ['that belongs to no list', encodeCursor('2026-03-01T12:00:00.000Z')],
    ['without a valid time', encodeCursor('yesterday', 'prov-1')],
    ['that the broker never made', 'abc'],
  ])('the list of providers refuses a cursor %s', async (_, cursor) => {
    const reply = await get(`?cursor=${cursor}`);
    expect([reply.status, reply.json.code]).toEqual([422, 'validation_failed']);
    expect(reply.json.errors).toMatchObject([{ field: 'query.cursor' }]);
  });
});

describe('a search', () => {
  test.each([
    ['', ['prov-d', 'prov-c', 'prov-e', 'prov-a', 'prov-b']],
    ['sort=price', ['prov-d', 'prov-c', 'prov-e', 'prov-a', 'prov-b']],
    ['sort=available_gpus', ['prov-c', 'prov-b', 'prov-a', 'prov-d', 'prov-e']],
    ['sort=registered_at', inOrder],
    ['sort=registered_at&limit=2', ['prov-e', 'prov-a']],
    ['sort=registered_at&limit=2&offset=2', ['prov-c', 'prov-d']],
    ['sort=registered_at&offset=4', ['prov-b']],
    ['sort=registered_at&offset=5', []],
    // The scarcest resource is exactly what the search asks for.
    ['sort=registered_at&min_cpu=6', ['prov-e', 'prov-a', 'prov-c', 'prov-b']],
    ['sort=registered_at&min_cpu=7', ['prov-a', 'prov-c', 'prov-b']],
    ['sort=registered_at&min_cpu=64', ['prov-a']],
    ['sort=registered_at&min_ram=60000', ['prov-e', 'prov-d']],
    ['sort=registered_at&min_ram=60001', ['prov-d']],
    ['sort=registered_at&min_disk=300', ['prov-e', 'prov-b']],
    ['sort=registered_at&min_disk=301', ['prov-b']],
    ['sort=registered_at&gpu_count=1', inOrder],
    ['sort=registered_at&gpu_count=2', ['prov-a', 'prov-c', 'prov-b']],
    ['sort=registered_at&gpu_count=8', ['prov-c']],
    ['sort=registered_at&max_price=0.5', ['prov-e', 'prov-c', 'prov-d']],
    ['sort=registered_at&max_price=0.499', ['prov-c', 'prov-d']],
    ['sort=registered_at&min_cpu=8&min_ram=16000&min_disk=200', ['prov-a']],
    ['sort=registered_at&status=available', inOrder],
    ['sort=registered_at&status=offline', []],
    ['sort=registered_at&status=retired', ['prov-gone']],
    ['sort=registered_at&gpu=RTX%204090&gpu_count=6', ['prov-c', 'prov-b']],
    ['sort=registered_at&gpu_type=a100', []],
  ])('a search with %j finds %j', async (query, expected) => {
    const reply = await get(`/search?${query}`);
    expect([reply.status, idsOf(reply)]).toEqual([200, expected]);
    expect(reply.json.count).toBe(expected.length);
  });

  test.each(['sort=cheap', 'gpu_count=0', 'offset=-1', 'limit=101', 'min_cpu=many', 'status=gone', 'min_ram=-1'])(
    'a search with %s is refused with the name of the field',
    async (query) => {
      const reply = await get(`/search?${query}`);
      expect([reply.status, reply.json.code]).toEqual([422, 'validation_failed']);
      expect(reply.json.errors).toMatchObject([{ field: `query.${query.split('=')[0]}` }]);
    },
  );
});

test('free GPUs are listed per provider, the cheapest first, and add up', async () => {
  const { json } = await get('/gpu-availability');
  const rows = json.providers as { provider_id: string; total_gpus: number; available_gpus: number }[];
  expect(rows.map((row) => [row.provider_id, row.total_gpus, row.available_gpus])).toEqual([
    ['prov-d', 1, 1],
    ['prov-c', 8, 8],
    ['prov-e', 4, 1],
    ['prov-a', 2, 2],
    ['prov-b', 6, 6],
  ]);
  expect(json).toMatchObject({ total_gpus: 21, total_available: 18, count: 5 });
});

test('a page after the last free GPU suggests no other type; a list of a type that nobody has does', async () => {
  const missing = await get('/gpu-availability?gpu_type=409');
  expect(missing.json).toMatchObject({ count: 0, near: expect.arrayContaining([expect.any(String)]) });
  const pastAll = encodeCursor('false', '0', 'prov-z', 'z');
  const end = await get(`/gpu-availability?gpu_type=4090&cursor=${pastAll}`);
  expect(end.json).toMatchObject({ count: 0, total_gpus: 21 });
  expect(end.json).not.toHaveProperty('near');
});

test('a provider shows what is rented beside what is free', async () => {
  const { json } = await get('/prov-e');
  const type = Object.keys(json.capacity.total_gpus)[0]!;
  expect(json.capacity).toMatchObject({
    ...{ total_gpus: { [type]: 4 }, in_use_gpus: { [type]: 3 }, available_gpus: { [type]: 1 } },
    ...{ total_cpu_cores: 16, available_cpu_cores: 6, total_memory_mb: 64_000, available_memory_mb: 60_000 },
    ...{ total_disk_gb: 400, available_disk_gb: 300, gpu_count: 4, gpu_price_per_hour: 0.5 },
  });
});
