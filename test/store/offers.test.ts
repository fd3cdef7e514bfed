import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { allocate } from '../../src/db/allocations.js';
import { placementCandidates } from '../../src/db/candidates.js';
import { findOffers, type OfferSearch } from '../../src/db/offer-reads.js';
import { withoutPrices } from '../../src/db/offers.js';
import { priceOf } from '../../src/domain/pricing.js';
import { startApi, type Api } from '../support/api.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, testOrder, testWallet } from '../support/fleet.js';
import { createRandom } from '../support/random.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

let database: TestDatabase;
let redis: TestRedis;
let api: Api;
beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
});
afterAll(async () => {
  await Promise.all([database.close(), redis.close()]);
});
// A new process each time: the one before remembers its answers for a second.
beforeEach(async () => {
  await database.pool.query('truncate allocations, providers cascade');
  api = await startApi({ database, redis, config: { ALLOW_FREE_JOBS: false } });
});
afterEach(() => api.stop());

const pool = () => database.pool;
const offers = async (query: string) => await api.send('GET', `/api/v1/offers${query}`);
const ids = async (query: string) =>
  ((await offers(query)).json.offers as { provider_id: string }[]).map(({ provider_id }) => provider_id);

describe('offers', () => {
  test('each offer has the figures and the price of a job of the shape that was asked for', async () => {
    await putProvider(pool(), {
      ...{ providerId: 'atlas', gpuPrice: 0.5, cpuCores: 64, memoryMb: 262_144, diskGb: 1_000 },
      capacity: { cpu_price_per_hour: 0.01 },
      spec: {
        gpus: Array.from({ length: 8 }, (_, index) => ({
          ...{ index, name: 'NVIDIA GeForce RTX 4090', memory_mb: 24_564 },
          ...{ driver_ver: '550.54', cuda_version: '12.4' },
        })),
      },
    });
    const { status, json, headers } = await offers('?gpu=4090&count=2&cpu_cores=8&memory_gb=32');
    expect(status).toBe(200);
    expect(headers.get('etag')).toMatch(/^"/);
    expect(json).toEqual({
      offers: [
        {
          provider_id: 'atlas',
          gpu_type: 'rtx-4090',
          gpu_model: 'NVIDIA GeForce RTX 4090',
          vram_gb: 24,
          free_gpus: 8,
          total_gpus: 8,
          price_per_gpu_hour: 0.5,
          price_per_hour: 1.08,
          rate_per_hour: '1080000000000000000',
          fair_share: { cpu_cores: 8, memory_mb: 32_768, storage_gb: 125 },
          cuda: '12.4',
          driver: '550.54',
          region: null,
          free_cpu_cores: 64,
          free_memory_gb: 256,
          free_storage_gb: 1_000,
          reliability: null,
          can_start: true,
          why_not: null,
        },
      ],
      count: 1,
    });
  });

  test('a provider that cannot start the job is listed only if all are asked for, with the reason', async () => {
    await putProvider(pool(), { providerId: 'full', gpus: { model: 'RTX 4090', count: 1 } });
    const [placement] = await placementCandidates(pool(), testOrder(), withoutPrices, 1);
    await allocate(pool(), testOrder({ wallet: testWallet }), placement!);
    await putProvider(pool(), { providerId: 'away' });
    await pool().query(`update providers set status = 'offline' where provider_id = 'away'`);
    await putProvider(pool(), { providerId: 'cordoned' });
    await pool().query(`update providers set cordoned = true where provider_id = 'cordoned'`);
    await putProvider(pool(), { providerId: 'unpriced', gpuPrice: 0 });
    await putProvider(pool(), { providerId: 'small', cpuCores: 2 });
    await putProvider(pool(), { providerId: 'free' });
    expect(await ids('?gpu=4090')).toEqual(['free']);
    const { json } = await offers('?gpu=4090&all=true');
    const reasons = Object.fromEntries(
      json.offers.map((offer: { provider_id: string; why_not: string }) => [offer.provider_id, offer.why_not]),
    );
    expect(reasons).toEqual({
      free: null,
      full: 'all its GPUs are rented',
      away: 'it is offline',
      cordoned: 'it takes no new jobs',
      unpriced: 'nobody has set a price for it',
      small: 'it has 2 cores free',
    });
    expect(json.offers[0].provider_id).toBe('free');
  });

  test('pages of offers have every offer once, in whatever order they are asked for', async () => {
    for (let at = 0; at < 7; at++) {
      const gpus = { model: 'RTX 4090', count: 1 + (at % 3) };
      await putProvider(pool(), { providerId: `machine-${at}`, gpus, gpuPrice: 0.1 + (at % 2) });
    }
    for (const sort of ['price', 'free', 'reliability']) {
      const seen: string[] = [];
      for (let cursor = ''; ;) {
        const { json } = await offers(`?sort=${sort}&limit=2${cursor}`);
        seen.push(...json.offers.map(({ provider_id }: { provider_id: string }) => provider_id));
        if (json.next_cursor === undefined) break;
        cursor = `&cursor=${json.next_cursor}`;
      }
      expect([sort, [...seen].sort()]).toEqual([sort, Array.from({ length: 7 }, (_, at) => `machine-${at}`)]);
    }
    const page = await offers('?sort=price&limit=2');
    const other = await offers(`?sort=free&limit=2&cursor=${page.json.next_cursor}`);
    expect([other.status, other.json.errors[0].field]).toEqual([422, 'query.cursor']);
  });

  test('the filters leave out what does not fit, and what nobody knows', async () => {
    await putProvider(pool(), { providerId: 'cheap', gpuPrice: 0.2 });
    await putProvider(pool(), { providerId: 'korean', gpuPrice: 0.4 });
    await pool().query(`update providers set spec = spec || '{"region": "KR-11"}' where provider_id = 'korean'`);
    expect(await ids('?region=kr')).toEqual(['korean']);
    expect(await ids('?region=KR-11')).toEqual(['korean']);
    expect(await ids('?region=k')).toEqual([]);
    expect(await ids('?max_price=0.3')).toEqual(['cheap']);
    expect(await ids('?min_reliability=0.5')).toEqual([]);
    await pool().query(
      `insert into provider_days (provider_id, day, observed_s, online_s, noted_at)
       select 'cheap', now()::date, 1000, 999, now() union all select 'korean', now()::date - 40, 1000, 1000, now()`,
    );
    expect(await ids('?min_reliability=0.99&sort=reliability&limit=3')).toEqual(['cheap']);
    const { json } = await offers('?sort=reliability&limit=4');
    const reliable = json.offers.map((offer: { provider_id: string; reliability: unknown }) => [
      offer.provider_id,
      offer.reliability,
    ]);
    expect(reliable).toEqual([
      ['cheap', 0.999],
      ['korean', null],
    ]);
    expect(await ids('?min_vram_gb=24&gpu_type=RTX%204090')).toEqual(['cheap', 'korean']);
    expect(await ids('?min_vram_gb=25')).toEqual([]);
  });

  test('an unknown GPU is refused with the types that there are, and so is an unknown field', async () => {
    await putProvider(pool(), { providerId: 'cheap' });
    const unknown = await offers('?gpu=warp9');
    expect([unknown.status, unknown.json.gpu_types]).toEqual([422, ['rtx-4090']]);
    expect(unknown.json.detail).toContain('RTX 4090');
    expect((await offers('?gpus=2')).json.errors[0].field).toBe('query.gpus');
  });

  test('offers say what a placement does, on fleets and orders at random', async () => {
    const random = createRandom(7);
    const pick = <T>(values: readonly T[]) => random.pick(values);
    for (let at = 0; at < 12; at++) {
      await putProvider(pool(), {
        providerId: `machine-${at}`,
        gpus: { model: pick(['RTX 4090', 'NVIDIA A100-SXM4-80GB', 'Tesla T4']), count: pick([1, 2, 8]) },
        gpuPrice: pick([0, 0.1, 0.5, 2]),
        cpuCores: pick([4, 16, 64]),
        memoryMb: pick([8_192, 65_536]),
        diskGb: pick([10, 500]),
        capacity: pick([{}, { available_until: new Date(Date.now() + 7_200_000).toISOString() }]),
      });
    }
    await pool().query(`update providers set cordoned = true where provider_id = 'machine-3'`);
    const site = { ...withoutPrices, ALLOW_FREE_JOBS: false };
    for (let round = 0; round < 60; round++) {
      const gpuType = pick([undefined, '4090', 'a100', 't4']);
      const order = testOrder({
        ...(gpuType === undefined ? {} : { gpuType }),
        gpuCount: pick([1, 2, 4]),
        cpuCores: pick([1, 8, 32]),
        memoryMb: pick([1_024, 16_384]),
        storageGb: pick([1, 100]),
        durationSeconds: pick([3_600, 36_000]),
        ...pick([{}, { maxPricePerHour: 1 }]),
      });
      const placed = await placementCandidates(pool(), order, site, 100);
      const listed = async (more: Partial<OfferSearch>) =>
        (await findOffers(pool(), { order, sort: 'placement', limit: 100, ...more }, site)).offers;
      const figures = placed.map(({ providerId, rate }) => [providerId, rate]);
      expect((await listed({})).map(({ providerId, rate }) => [providerId, rate.toString()])).toEqual(figures);
      const all = await listed({ all: true });
      const startable = all.filter(({ failed }) => failed.length === 0);
      expect(startable.map(({ providerId, rate }) => [providerId, rate.toString()])).toEqual(figures);
      expect(startable.every(({ rate }) => priceOf(rate) > 0)).toBe(true);
    }
  });
});
