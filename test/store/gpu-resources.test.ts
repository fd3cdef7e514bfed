import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { allocate, findAllocation, release } from '../../src/db/allocations.js';
import { placementCandidates } from '../../src/db/candidates.js';
import { migrate } from '../../src/db/migrate.js';
import { miningRecord } from '../../src/db/mining.js';
import { withoutPrices } from '../../src/db/offers.js';
import { gpuAvailability } from '../../src/db/gpu-availability.js';
import { findProvider, searchProviders } from '../../src/db/provider-reads.js';
import { recordNode } from '../../src/db/providers.js';
import { gpuAvailabilityReplyOf, providerReplyOf } from '../../src/api/schemas/provider.js';
import { readGpuDefaultPrices } from '../../src/domain/gpu-prices.js';
import type { JobOrder } from '../../src/domain/job.js';
import type { NodeAllocatable } from '../../src/domain/provider.js';
import { databaseBefore, freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, testOrder, type TestProvider } from '../support/fleet.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query('truncate allocations, providers cascade');
});

const pool = () => database.pool;
const [plain, ada, ampere] = ['nvidia.com/gpu', 'nvidia.com/rtx-4090', 'nvidia.com/rtx-3090'];
const models = { ada: 'NVIDIA GeForce RTX 4090', ampere: 'NVIDIA GeForce RTX 3090' };
/** One 4090 and two 3090s. */
const mixed = (more: Partial<TestProvider> = {}): TestProvider => ({
  providerId: 'mixed',
  gpus: { model: models.ampere, count: 3 },
  capacity: {
    total_gpus: { [models.ada]: 1, [models.ampere]: 2 },
    gpu_prices_per_hour: { [models.ada]: 0.4, [models.ampere]: 0.2 },
  },
  ...more,
});
const counts = (gpuResources: Record<string, number>): NodeAllocatable => ({
  gpus: Object.values(gpuResources).reduce((sum, count) => sum + count, 0),
  ...{ gpuResources, cpuCores: 1_000, memoryMb: 1_000_000, storageGb: 10_000 },
});
const counted = (providerId: string, gpuResources: Record<string, number>, site = withoutPrices) =>
  recordNode(
    pool(),
    providerId,
    { nodeName: providerId, nodeUid: 'node', ready: true, allocatable: counts(gpuResources) },
    site,
  );
const sold = async (providerId = 'mixed') =>
  (await findProvider(pool(), providerId))!.resources
    .filter(({ kind, total }) => kind === 'gpu' && total > 0)
    .map(({ name, total, rented, pricePerHour }) => [name, total, rented, pricePerHour]);
const candidates = (order: Partial<JobOrder> = {}) => placementCandidates(pool(), testOrder(order), withoutPrices, 20);
const reasonOf = async (providerId = 'mixed') =>
  providerReplyOf((await findProvider(pool(), providerId))!, withoutPrices).not_offered_reason;

describe('a machine with two types of GPUs', () => {
  test('a machine with two GPU types offers only the cheapest where the cluster counts both together, and its owner is told why', async () => {
    await putProvider(pool(), mixed());
    expect(await sold()).toEqual([['rtx-3090', 3, 0, 0.2]]);
    expect(await candidates({ gpuType: 'rtx-4090' })).toEqual([]);
    expect(await candidates({ gpuType: 'rtx-3090', gpuCount: 3 })).toHaveLength(1);
    expect(await reasonOf()).toBe(
      `${models.ampere} and ${models.ada} are rented out as ${models.ampere}, because the cluster counts all of them as ${plain}`,
    );
    const { providers } = gpuAvailabilityReplyOf(await gpuAvailability(pool(), { limit: 100 }), withoutPrices);
    expect(providers.map((row) => [row.gpu_type, row.total_gpus, row.not_offered_reason])).toEqual([
      ['rtx-3090', 3, undefined],
      ['rtx-4090', 0, await reasonOf()],
    ]);
  });

  test('a machine with two GPU types offers both where the cluster has a resource for each, and the placement says which', async () => {
    await putProvider(pool(), mixed({ gpuResources: { [ada]: 1, [ampere]: 2 } }));
    expect(await sold()).toEqual([
      ['rtx-3090', 2, 0, 0.2],
      ['rtx-4090', 1, 0, 0.4],
    ]);
    expect(await reasonOf()).toBeUndefined();
    const order = testOrder({ gpuType: 'rtx-4090' });
    const [place] = await placementCandidates(pool(), order, withoutPrices, 1);
    expect(place).toMatchObject({ gpuType: 'rtx-4090', gpuResource: ada });
    expect(await allocate(pool(), order, place!)).toBe('allocated');
    expect(await findAllocation(pool(), order.jobId)).toMatchObject({ gpuResource: ada });
  });

  test('a machine reports once why its GPUs are offered as they are, and again when the reason changes', async () => {
    await putProvider(pool(), mixed());
    expect(await counted('mixed', { [plain]: 3 })).toMatchObject({ gpusReasonIsNew: false });
    expect(await counted('mixed', { [ada]: 1, [ampere]: 2 })).toMatchObject({ gpusReasonIsNew: true, gpusReason: '' });
    const again = await counted('mixed', { [ada]: 0, [ampere]: 0, [plain]: 3 });
    expect(again).toMatchObject({ gpusReasonIsNew: true, gpusReason: expect.stringContaining('rented out as') });
  });

  test('a machine whose GPUs are counted together is sold as the type that the site’s default prices make the cheapest', async () => {
    const prices = { GPU_DEFAULT_PRICES: readGpuDefaultPrices(['RTX 4090=0.1']).prices, ALLOW_FREE_JOBS: false };
    await putProvider(
      pool(),
      mixed({
        capacity: {
          total_gpus: { [models.ada]: 1, [models.ampere]: 2 },
          gpu_price_per_hour: 0,
          gpu_prices_per_hour: { [models.ampere]: 0.2 },
        },
      }),
    );
    await counted('mixed', { [plain]: 3 }, prices);
    expect((await sold()).map(([name, total]) => [name, total])).toEqual([['rtx-4090', 3]]);
  });

  test('no GPU is sold twice that was rented under the other type, or before the types were told apart', async () => {
    await putProvider(pool(), mixed({ gpuResources: { [ada]: 1, [ampere]: 2 } }));
    const order = testOrder({ gpuType: 'rtx-4090' });
    await allocate(pool(), order, (await candidates({ gpuType: 'rtx-4090' }))[0]!);
    // Without the plugin's names, any of the three may be the rented one.
    await counted('mixed', { [ada]: 0, [ampere]: 0, [plain]: 3 });
    expect(await sold()).toEqual([
      ['rtx-3090', 2, 0, 0.2],
      ['rtx-4090', 1, 1, 0.4],
    ]);
    await release(pool(), order.jobId);
    await counted('mixed', { [plain]: 3 });
    const either = testOrder({ gpuType: 'rtx-3090' });
    await allocate(pool(), either, (await candidates({ gpuType: 'rtx-3090' }))[0]!);
    await counted('mixed', { [ada]: 1, [ampere]: 2, [plain]: 0 });
    expect(await candidates({ gpuType: 'rtx-4090' })).toEqual([]);
    expect(await candidates({ gpuType: 'rtx-3090', gpuCount: 2 })).toEqual([]);
    expect(await candidates({ gpuType: 'rtx-3090' })).toHaveLength(1);
  });

  test('a placement is not allocated when its GPU type is no longer counted under the resource it was found with', async () => {
    await putProvider(pool(), mixed());
    const order = testOrder({ gpuType: 'rtx-3090' });
    const [place] = await candidates({ gpuType: 'rtx-3090' });
    await counted('mixed', { [ada]: 1, [ampere]: 2 });
    expect(await allocate(pool(), order, place!)).toBe('taken');
    expect(await allocate(pool(), order, { ...place!, gpuResource: ampere })).toBe('allocated');
  });

  test('a machine with two GPU types mines on the resource with the most GPUs', async () => {
    await putProvider(pool(), mixed({ gpuResources: { [ada]: 1, [ampere]: 2 } }));
    expect(await miningRecord(pool(), 'mixed')).toMatchObject({ gpus: 2, gpuResource: ampere });
    await counted('mixed', { [plain]: 3 });
    const record = await miningRecord(pool(), 'mixed');
    expect([record!.gpus, record!.gpuResource]).toEqual([3, undefined]);
  });

  test('GPUs of one resource are missing although those of the other are there', async () => {
    await putProvider(pool(), mixed({ gpuResources: { [ada]: 1, [ampere]: 2 } }));
    for (const gpuType of ['rtx-4090', 'rtx-3090']) {
      const order = testOrder({ gpuType });
      await allocate(pool(), order, (await candidates({ gpuType }))[0]!);
    }
    expect(await counted('mixed', { [ada]: 1, [ampere]: 1 })).toMatchObject({ gpusMissing: false });
    expect(await counted('mixed', { [ada]: 0, [ampere]: 2 })).toMatchObject({ gpusMissing: true, missingGpus: [ada] });
    const all = await counted('mixed', { [ada]: 0, [ampere]: 0 });
    expect([all!.gpusMissing, all!.missingGpus]).toEqual([true, [ampere, ada]]);
  });
});

describe('parts of a card', () => {
  const part = 'NVIDIA A100-SXM4-40GB MIG 1g.5gb';
  const parts = (more: Partial<TestProvider> = {}): TestProvider => ({
    providerId: 'sliced',
    gpus: { model: part, count: 7 },
    spec: { gpus: Array.from({ length: 7 }, () => ({ name: part, memory_mb: 5_120 })) },
    gpuResources: { 'nvidia.com/mig-1g.5gb': 7, [plain]: 0 },
    ...more,
  });
  const found = async (search: object) =>
    (await searchProviders(pool(), { sort: 'price', limit: 5, offset: 0, ...search })).map(
      ({ providerId }) => providerId,
    );

  test('a part of a card is found by its name and its memory, and requested by its resource', async () => {
    await putProvider(pool(), parts());
    const place = { gpuType: 'a100-sxm4-40gb-mig-1g-5gb', gpuResource: 'nvidia.com/mig-1g.5gb' };
    for (const order of [{ gpuType: 'mig-1g-5gb' }, { minVramGb: 5 }, { gpuType: 'a100-mig-1g-5gb', gpuCount: 7 }]) {
      expect(await candidates(order)).toMatchObject([place]);
    }
    expect(await candidates({ minVramGb: 6 })).toEqual([]);
    expect(await candidates({ gpuType: 'a100' })).toEqual([]);
    expect(await found({ gpuType: 'MIG 1g.5gb', minVramGb: 5 })).toEqual(['sliced']);
    expect(await found({ minVramGb: 40 })).toEqual([]);
  });

  test('a part of a card that an older agent reports is not sold as a card, whatever the device plugin calls it', async () => {
    const card = { model: 'NVIDIA A100-SXM4-40GB', count: 1 };
    await putProvider(pool(), parts({ providerId: 'old', gpus: card, spec: {}, gpuResources: { [plain]: 7 } }));
    expect(await candidates({ gpuType: 'a100' })).toEqual([]);
    expect(await reasonOf('old')).toContain('these are parts of GPUs');
    const mixedStrategy = await counted('old', { 'nvidia.com/mig-1g.5gb': 7, [plain]: 0 });
    expect(mixedStrategy).toMatchObject({ status: 'joined', facts: { gpusReady: false } });
    expect((await findProvider(pool(), 'old'))!.statusReason).toContain('what it counts is nvidia.com/mig-1g.5gb');
    expect(await counted('old', { [plain]: 1 })).toMatchObject({ status: 'available', gpusReason: '' });
    expect(await candidates({ gpuType: 'a100' })).toHaveLength(1);
  });

  test('a part of a GPU that others share is sold to nobody', async () => {
    await putProvider(pool(), { providerId: 'shared', gpus: { model: models.ada, count: 1 } });
    const allocatable = { ...counts({ [plain]: 0 }), gpuShares: { 'nvidia.com/gpu.shared': 10 } };
    const node = { nodeName: 'shared', nodeUid: 'node', ready: true, allocatable };
    expect(await recordNode(pool(), 'shared', node)).toMatchObject({ facts: { gpusReady: false }, status: 'joined' });
    expect(await reasonOf('shared')).toContain('nvidia.com/gpu.shared: parts of GPUs that others use too');
  });
});

test('two memory sizes under one name are one type with the smaller size where the cluster does not tell them apart', async () => {
  const gpu = (memory_mb: number) => ({ name: 'NVIDIA A100', memory_mb });
  await putProvider(pool(), {
    providerId: 'both',
    gpus: { model: 'NVIDIA A100', count: 3 },
    spec: { gpus: [gpu(40_960), gpu(81_920), gpu(81_920)] },
  });
  expect(await candidates({ minVramGb: 80 })).toEqual([]);
  expect(await candidates({ gpuType: 'a100-80gb' })).toEqual([]);
  expect(await candidates({ gpuType: 'a100', minVramGb: 40, gpuCount: 3 })).toMatchObject([{ gpuType: 'a100-40gb' }]);
});

test('after the upgrade of an older database, every machine whose GPUs may now be sold otherwise is checked again', async () => {
  const earlier = await databaseBefore('0043');
  const db = earlier.pool;
  try {
    await db.query(
      `insert into providers (provider_id, wallet_addr, spec, capacity, offer, allocatable)
       select id, $1, '{}', '{}', jsonb_build_object('gpus', gpus), jsonb_build_object('gpus', counted)
         from (values ('plain', '[{"count": 2}]'::jsonb, 2), ('mixed', '[{"count": 1}, {"count": 1}]', 2),
                      ('parts', '[{"count": 1}]', 7), ('none', '[]', 0)) as t (id, gpus, counted)`,
      [`0x${'1'.repeat(40)}`],
    );
    await migrate(earlier.config);
    const { rows } = await db.query<{ provider_id: string }>(
      'select provider_id from providers where allocatable is null order by 1',
    );
    expect(rows.map(({ provider_id }) => provider_id)).toEqual(['mixed', 'parts']);
  } finally {
    await earlier.close();
  }
});
