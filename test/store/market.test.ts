import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { allocate } from '../../src/db/allocations.js';
import { placementCandidates } from '../../src/db/candidates.js';
import { sampleMarket } from '../../src/db/market.js';
import { withoutPrices } from '../../src/db/offers.js';
import { startApi, type Api } from '../support/api.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, testOrder } from '../support/fleet.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

let database: TestDatabase;
let redis: TestRedis;
beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
});
afterAll(async () => {
  await Promise.all([database.close(), redis.close()]);
});
beforeEach(async () => {
  await database.pool.query('truncate allocations, providers, market_samples cascade');
});

const pool = () => database.pool;

/** Each question to a new process: one remembers its answers for a while. */
async function ask(target: string) {
  const api: Api = await startApi({ database, redis, config: { ALLOW_FREE_JOBS: false } });
  try {
    return await api.send('GET', target);
  } finally {
    await api.stop();
  }
}

async function putFleet(): Promise<void> {
  await putProvider(pool(), { providerId: 'one', gpus: { model: 'RTX 4090', count: 8 }, gpuPrice: 0.4 });
  await putProvider(pool(), { providerId: 'two', gpus: { model: 'RTX 4090', count: 4 }, gpuPrice: 0.5 });
  await putProvider(pool(), { providerId: 'three', gpus: { model: 'RTX 4090', count: 2 }, gpuPrice: 0.9 });
  await putProvider(pool(), { providerId: 'free', gpus: { model: 'Tesla T4', count: 1 }, gpuPrice: 0 });
  await putProvider(pool(), { providerId: 'away', gpus: { model: 'Tesla T4', count: 4 } });
  await pool().query(`update providers set status = 'offline' where provider_id = 'away'`);
  const order = testOrder({ gpuType: 'rtx-4090', gpuCount: 3 });
  const [placement] = await placementCandidates(pool(), order, withoutPrices, 1);
  await allocate(pool(), order, placement!);
}

test('the market says what there is of each type, what of it is free, and what it costs', async () => {
  await putFleet();
  const { status, json, headers } = await ask('/api/v1/market');
  expect([status, headers.get('cache-control')]).toEqual([200, 'public, max-age=5']);
  expect(json).toEqual({
    at: expect.any(String),
    gpu_types: [
      {
        ...{ gpu_type: 'rtx-4090', name: 'RTX 4090', aliases: ['4090', 'rtx4090'], vram_gb: [24] },
        ...{ total: 14, free: 11, most_at_one_provider: 5, providers: 3, price: { min: 0.4, median: 0.5, max: 0.9 } },
      },
      {
        ...{ gpu_type: 'tesla-t4', name: 'T4', aliases: ['t4'], vram_gb: [16] },
        ...{ total: 1, free: 0, most_at_one_provider: 0, providers: 1, price: null },
      },
    ],
    ...{ total: 15, free: 11, providers_online: 4 },
  });
});

test('the market of an empty fleet is empty', async () => {
  expect((await ask('/api/v1/market')).json).toMatchObject({ gpu_types: [], total: 0, free: 0, providers_online: 0 });
});

test('a sample is written once for each interval, and old ones are deleted by the next', async () => {
  await putFleet();
  await pool().query(
    `insert into market_samples (gpu_type, at, total, free) values ('rtx-4090', now() - interval '91 days', 1, 1)`,
  );
  expect(await sampleMarket(pool(), withoutPrices)).toEqual({ written: 2, deleted: 1 });
  const again = await sampleMarket(pool(), withoutPrices);
  // A new interval may have begun between the two.
  expect([0, 2]).toContain(again.written);
  const { rows } = await pool().query(
    `select distinct gpu_type, total, free, price_median::float8 from market_samples order by 1`,
  );
  expect(rows).toEqual([
    { gpu_type: 'rtx-4090', total: 14, free: 11, price_median: 0.5 },
    { gpu_type: 'tesla-t4', total: 1, free: 1, price_median: 0 },
  ]);
});

test('a history has a value for each step, null where there is no sample, and sums up a family', async () => {
  await putProvider(pool(), { providerId: 'pcie', gpus: { model: 'A100-PCIE-40GB', count: 1 } });
  await putProvider(pool(), { providerId: 'sxm', gpus: { model: 'A100-SXM4-80GB', count: 1 } });
  await pool().query(
    `insert into market_samples (gpu_type, at, total, free, price_min, price_median, price_max)
     select type, date_bin('5 minutes', now() - interval '1 hour', 'epoch'), total, free, price, price, price
       from (values ('a100-pcie-40gb', 4, 1, 0.8), ('a100-sxm4-80gb', 8, 2, 1.2), ('rtx-4090', 99, 99, 0.1)) as t (type, total, free, price)`,
  );
  const { status, json } = await ask('/api/v1/market/history?gpu=A100&range=24h');
  expect([status, json.gpu_type, json.step_s]).toEqual([200, 'a100', 300]);
  const columns = ['total', 'free', 'price_min', 'price_median', 'price_max'].map((name) => json[name] as number[]);
  expect(new Set(columns.map(({ length }) => length)).size).toBe(1);
  expect([288, 289]).toContain(columns[0]!.length);
  const at = columns[0]!.findIndex((total) => total !== null);
  expect(columns.map((column) => column[at])).toEqual([12, 3, 0.8, 0.8, 1.2]);
  expect(columns[0]!.filter((total) => total !== null)).toEqual([12]);
  const time = Date.parse(json.from) + at * 300_000;
  expect(Math.abs(Date.now() - 3_600_000 - time)).toBeLessThan(600_000);
  for (const [range, stepS] of [
    ['7d', 3_600],
    ['90d', 21_600],
  ]) {
    const longer = (await ask(`/api/v1/market/history?gpu_type=a100&range=${range}`)).json;
    expect([longer.step_s, longer.total.filter((total: number) => total !== null)]).toEqual([stepS, [12]]);
  }
});

test('a history of no type, of an unknown one or of another range is refused', async () => {
  const refused = async (query: string) => {
    const { status, json } = await ask(`/api/v1/market/history${query}`);
    return [status, json.errors?.[0]?.field];
  };
  expect(await refused('')).toEqual([422, 'query.gpu']);
  expect(await refused('?gpu=warp9')).toEqual([422, 'query.gpu']);
  expect(await refused('?gpu=4090&range=1y')).toEqual([422, 'query.range']);
  expect(await refused('?gpu=4090&gpu_type=t4')).toEqual([422, 'query.gpu_type']);
});
