import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { allocate, release } from '../../src/db/allocations.js';
import { freeCapacity, placementCandidates } from '../../src/db/candidates.js';
import { registeredGpuTypes } from '../../src/db/gpu-types.js';
import { migrate } from '../../src/db/migrate.js';
import { withoutPrices } from '../../src/db/offers.js';
import { findProvider, searchProviders } from '../../src/db/provider-reads.js';
import { readGpuDefaultPrices } from '../../src/domain/gpu-prices.js';
import type { JobOrder } from '../../src/domain/job.js';
import { databaseBefore, freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, testOrder, type TestProvider } from '../support/fleet.js';
import { freeGpus } from '../support/free-gpus.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query('truncate allocations, providers cascade');
});

const pool = () => database.pool;
const put = (providerId: string, model: string, more: Partial<TestProvider> = {}) =>
  putProvider(pool(), { providerId, gpus: { model, count: 2 }, ...more });
const places = async (order: Partial<JobOrder>) =>
  (await placementCandidates(pool(), testOrder(order), withoutPrices, 20)).map(({ providerId }) => providerId);
const found = async (filter: object) =>
  (await searchProviders(pool(), { sort: 'price', limit: 20, offset: 0, ...filter })).map(
    ({ providerId }) => providerId,
  );
const gpu = (name: string, memory_mb: number, more: object = {}) => ({ name, memory_mb, ...more });
const types = async (providerId: string) =>
  (await findProvider(pool(), providerId))!.resources
    .filter(({ kind, total }) => kind === 'gpu' && total > 0)
    .map(({ name, model, total, pricePerHour }) => [name, model, total, pricePerHour]);

describe('an order', () => {
  test('an order for a GPU family goes to its cheapest member, and the placement says which', async () => {
    await put('pcie', 'NVIDIA A100-PCIE-40GB', { gpuPrice: 0.8 });
    await put('sxm', 'NVIDIA A100-SXM4-80GB', { gpuPrice: 0.9 });
    await put('cheap', 'NVIDIA A10', { gpuPrice: 0.1 });
    const [first] = await placementCandidates(pool(), testOrder({ gpuType: 'a100' }), withoutPrices, 1);
    expect(first).toMatchObject({ gpuType: 'a100-pcie-40gb', gpuModel: 'NVIDIA A100-PCIE-40GB' });
    expect(await places({ gpuType: 'a100' })).toEqual(['pcie', 'sxm']);
    expect(await places({ gpuType: 'a100-sxm4-80gb' })).toEqual(['sxm']);
    expect(await places({ gpuType: 'a100-80gb' })).toEqual(['sxm']);
    expect(await found({ gpuType: 'A100 80G' })).toEqual(['sxm']);
    expect(await places({ gpuType: 'a10' })).toEqual(['cheap']);
  });

  test('an order names a GPU type in any spelling, and holds the type of its placement until it is released', async () => {
    await put('one', 'NVIDIA_GeForce_RTX_4090');
    await put('tesla', 'Tesla T4');
    for (const gpuType of ['rtx4090', '4090', 'rtx-4090']) expect(await places({ gpuType })).toEqual(['one']);
    const order = testOrder({ gpuType: 't4', gpuCount: 2 });
    const [place] = await placementCandidates(pool(), order, withoutPrices, 1);
    expect(await allocate(pool(), order, place!)).toBe('allocated');
    expect(await places({ gpuType: 't4' })).toEqual([]);
    await release(pool(), order.jobId);
    expect(await places({ gpuType: 't4' })).toEqual(['tesla']);
  });

  test('an order narrows providers by memory, CUDA and architecture, and an unknown value does not match', async () => {
    const spec = (gpus: object[], architecture?: string) => ({ spec: { gpus, architecture }, gpuPrice: 0.5 });
    await put('new', 'NVIDIA L4', spec([gpu('NVIDIA L4', 23_034, { cuda_version: '12.8' })], 'x86_64'));
    await put('old', 'Tesla T4', spec([gpu('Tesla T4', 15_109, { cuda_version: '11.4' })], 'amd64'));
    await put(
      'arm',
      'NVIDIA GH200 480GB',
      spec([gpu('NVIDIA GH200 480GB', 97_871, { cuda_version: '12.9' })], 'aarch64'),
    );
    await put('silent', 'Rush 9');
    expect(await places({ minVramGb: 16 })).toEqual(['new', 'old']);
    expect(await places({ minVramGb: 24 })).toEqual(['new']);
    expect(await places({ minCuda: 12_004 })).toEqual(['new']);
    expect(await places({})).toEqual(['new', 'old', 'silent']);
    expect(await places({ gpuCount: 0 })).toEqual(expect.not.arrayContaining(['arm']));
    expect(await places({ architecture: 'arm64' })).toEqual(['arm']);
    expect(await places({ architecture: 'amd64' })).toEqual(['new', 'old']);
    expect(await found({ minVramGb: 24 })).toEqual(['arm', 'new']);
    expect(await found({ minCuda: 12_009, architecture: 'arm64' })).toEqual(['arm']);
    expect((await freeGpus(pool(), { minVramGb: 90 })).map(({ providerId }) => providerId)).toEqual(['arm']);
  });
});

describe('a GPU type', () => {
  test('two memory sizes under one name in one machine are two types with their own prices where the cluster tells them apart', async () => {
    await put('both', 'NVIDIA A100', {
      gpus: { model: 'NVIDIA A100', count: 3 },
      gpuResources: { 'nvidia.com/a100-40gb': 1, 'nvidia.com/a100-80gb': 2 },
      spec: { gpus: [gpu('NVIDIA A100', 40_960), gpu('NVIDIA A100', 81_920), gpu('NVIDIA A100', 81_251)] },
      capacity: { total_gpus: { 'NVIDIA A100': 3 }, gpu_prices_per_hour: { 'NVIDIA A100': 1, 'A100 80GB': 1.5 } },
    });
    expect(await types('both')).toEqual([
      ['a100-40gb', 'NVIDIA A100 40GB', 1, 1],
      ['a100-80gb', 'NVIDIA A100 80GB', 2, 1.5],
    ]);
    expect(await places({ gpuType: 'a100', minVramGb: 80, gpuCount: 2 })).toEqual(['both']);
    expect(await places({ gpuType: 'a100-40gb', gpuCount: 2 })).toEqual([]);
  });

  test('two memory sizes under one name in two machines are two types', async () => {
    await put('small', 'NVIDIA A100', { spec: { gpus: [gpu('NVIDIA A100', 40_960), gpu('NVIDIA A100', 40_960)] } });
    await put('large', 'NVIDIA A100', { spec: { gpus: [gpu('NVIDIA A100', 81_920), gpu('NVIDIA A100', 81_920)] } });
    expect(await freeCapacity(pool(), {}, withoutPrices)).toMatchObject([
      { gpu_type: 'a100-40gb', vram_gb: 40, available_gpus: 2 },
      { gpu_type: 'a100-80gb', vram_gb: 80, available_gpus: 2 },
    ]);
    expect(await places({ gpuType: 'a100-80gb' })).toEqual(['large']);
  });

  test('a part of a card is a GPU type of its own, which nobody gets or pays for as the card', async () => {
    await put('sliced', 'NVIDIA A100-SXM4-40GB MIG 1g.5gb', { gpuPrice: 0 });
    await put('plugin', 'nvidia.com/mig-1g.10gb', { gpuPrice: 0.2 });
    expect(await places({ gpuType: 'a100' })).toEqual([]);
    expect(await places({ gpuType: 'mig-1g-5gb' })).toEqual(['sliced']);
    expect(await places({ gpuType: 'a100', minVramGb: 5 })).toEqual([]);
    expect(await places({ minVramGb: 10 })).toEqual(['plugin']);
    const prices = {
      ALLOW_FREE_JOBS: false,
      GPU_DEFAULT_PRICES: readGpuDefaultPrices(['A100=1.2', 'MIG 1g.10gb=0.3']).prices,
    };
    const rows = await freeGpus(pool(), {}, prices);
    expect(rows.map(({ providerId, pricePerHour }) => [providerId, pricePerHour])).toEqual([
      ['plugin', 0.2],
      ['sliced', 0],
    ]);
  });

  test('GPUs rented under a type that a machine no longer offers are subtracted from its new type', async () => {
    await put('renamed', 'NVIDIA A100');
    const order = testOrder();
    await allocate(pool(), order, (await placementCandidates(pool(), order, withoutPrices, 1))[0]!);
    await put('renamed', 'NVIDIA A100', { spec: { gpus: [gpu('NVIDIA A100', 81_920), gpu('NVIDIA A100', 81_920)] } });
    expect((await types('renamed')).map(([name, , total]) => [name, total])).toEqual([
      ['a100', 1],
      ['a100-80gb', 1],
    ]);
    await release(pool(), order.jobId);
    await put('renamed', 'NVIDIA A100', { spec: { gpus: [gpu('NVIDIA A100', 81_920), gpu('NVIDIA A100', 81_920)] } });
    expect((await types('renamed')).map(([name, , total]) => [name, total])).toEqual([['a100-80gb', 2]]);
  });
});

test('every type that was ever registered is known, and listed once', async () => {
  await put('one', 'Rush 9');
  await put('two', 'Rush 9');
  await put('two', 'NVIDIA L4');
  expect(await registeredGpuTypes(pool())).toEqual([{ key: 'l4', vramGb: 24 }, { key: 'rush-9' }]);
});

test('an upgraded database learns memory, CUDA and architecture, and its types keep their names', async () => {
  const earlier = await databaseBefore('0038');
  const db = earlier.pool;
  try {
    const its = { name: 'NVIDIA A100', memoryMb: 81_920, cudaVersion: '12.4' };
    await db.query(
      `insert into providers (provider_id, wallet_addr, spec, capacity, offer)
       select id, $1, spec, '{}', '{"gpus": [{"type": "a100", "model": "NVIDIA A100", "count": 2, "pricePerHour": 1}]}'
         from (values ('told', $2::jsonb), ('untold', '{}'::jsonb)) as t (id, spec)`,
      [`0x${'1'.repeat(40)}`, { architecture: 'aarch64', gpus: [its, its] }],
    );
    await db.query(
      `insert into provider_resources (provider_id, kind, name, model, target, total)
       select id, 'gpu', 'a100', 'NVIDIA A100', 2, 2 from unnest(array['told', 'untold']) id`,
    );
    await migrate(earlier.config);
    const { rows } = await db.query(
      `select provider_id, name, vram_gb, cuda, architecture, offer #> '{gpus,0,vramGb}' as offered
         from provider_resources join providers using (provider_id) where kind = 'gpu' order by 1`,
    );
    expect(rows).toEqual([
      { provider_id: 'told', name: 'a100', vram_gb: 80, cuda: 12_004, architecture: 'arm64', offered: 80 },
      { provider_id: 'untold', name: 'a100', vram_gb: null, cuda: null, architecture: '', offered: null },
    ]);
  } finally {
    await earlier.close();
  }
});
