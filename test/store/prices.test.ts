import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { SitePrices } from '../../src/config.js';
import { allocate, findAllocation } from '../../src/db/allocations.js';
import { whyNobodyTakes } from '../../activities/no-capacity.js';
import { freeCapacity, placementCandidates } from '../../src/db/candidates.js';
import { markProvisioning } from '../../src/db/job-changes.js';
import { insertJob } from '../../src/db/jobs.js';
import { placementEndsBy, rateSql, withoutPrices } from '../../src/db/offers.js';
import { migrate } from '../../src/db/migrate.js';
import { withTransaction } from '../../src/db/pool.js';
import { findProvider, searchProviders } from '../../src/db/provider-reads.js';
import { recordCapacity } from '../../src/db/providers.js';
import { findOpenJob } from '../../src/db/reconcile-jobs.js';
import { readGpuDefaultPrices } from '../../src/domain/gpu-prices.js';
import type { JobOrder } from '../../src/domain/job.js';
import { jobRate, rateOf } from '../../src/domain/pricing.js';
import { capacityAsRegistration, capacityUpdateSchema } from '../../src/domain/registration.js';
import { databaseBefore, freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession, testOrder, testWallet } from '../support/fleet.js';
import { freeGpus } from '../support/free-gpus.js';
import { createRandom } from '../support/random.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query('truncate allocations, providers cascade');
});

const pool = () => database.pool;
const production = (prices = ''): SitePrices => ({
  ALLOW_FREE_JOBS: false,
  GPU_DEFAULT_PRICES: readGpuDefaultPrices(prices === '' ? [] : prices.split(',')).prices,
});
const candidates = (order: Partial<JobOrder>, site = production()) =>
  placementCandidates(pool(), testOrder(order), site, 10);
const ids = async (order: Partial<JobOrder>, site?: SitePrices) =>
  (await candidates(order, site)).map(({ providerId }) => providerId);
const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();

describe('a rate', () => {
  test('a rate is the same in Postgres as in the domain for 10,000 random offers and orders, to the last digit', async () => {
    const random = createRandom(20_261_125);
    const price = () => {
      const whole = random.pick([0, 0, 1, random.whole(0, 999_999)]);
      const decimals = Array.from({ length: random.whole(0, 12) }, () => random.whole(0, 9)).join('');
      return random.next() < 0.2 ? '0' : `${whole}${decimals === '' ? '' : `.${decimals}`}`;
    };
    const cases = Array.from({ length: 10_000 }, () => ({
      gpus: random.whole(0, 16),
      cpu: random.whole(1, 256),
      memory: random.whole(128, 2_000_000),
      storage: random.whole(1, 20_000),
      prices: [price(), price(), price(), price(), price()] as const,
      offered: [
        random.whole(0, 16),
        random.whole(0, 256),
        random.whole(0, 2_000_000),
        random.whole(0, 20_000),
      ] as const,
    }));
    const { rows } = await pool().query<{ rate: string }>(
      `select ${rateSql({
        ...{ gpus: 'c.gpus', cpuCores: 'c.cpu', memoryMb: 'c.memory', storageGb: 'c.storage' },
        ...{ gpuPrice: 'c.gpu_price', cpuPrice: 'c.cpu_price', memoryPrice: 'c.memory_price' },
        ...{ storagePrice: 'c.storage_price', offered: 'o' },
      })}::text as rate
         from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::numeric[], $6::numeric[], $7::numeric[],
                     $8::numeric[])
                with ordinality as c (gpus, cpu, memory, storage, gpu_price, cpu_price, memory_price, storage_price, nr)
         join unnest($9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[], $13::numeric[])
                with ordinality as o (cheapest, gpus, cpu, memory, storage, nr) using (nr)
        order by nr`,
      [
        ...(['gpus', 'cpu', 'memory', 'storage'] as const).map((name) => cases.map((row) => row[name])),
        ...[0, 1, 2, 3, 4].map((at) => cases.map(({ prices }) => prices[at]!)),
        ...[0, 1, 2, 3].map((at) => cases.map(({ offered }) => offered[at]!)),
      ],
    );
    const inTheDomain = cases.map(({ gpus, cpu, memory, storage, prices, offered }) =>
      jobRate(
        { gpuCount: gpus, cpuCores: cpu, memoryMb: memory, storageGb: storage },
        {
          ...{ gpuPrice: prices[0], cpuPrice: prices[1], memoryPricePerGb: prices[2] },
          ...{ storagePricePerGb: prices[3], cheapestGpuPrice: prices[4] },
          offered: { gpus: offered[0], cpuCores: offered[1], memoryMb: offered[2], storageGb: offered[3] },
        },
      ).toString(),
    );
    expect(rows.map(({ rate }) => rate)).toEqual(inTheDomain);
    // Floor and list price each decided some cases, and some were free.
    expect(new Set(inTheDomain).size).toBeGreaterThan(5_000);
  });

  test('a job keeps the rate of its placement in its row to the last digit', async () => {
    await putProvider(pool(), {
      ...{ providerId: 'atlas', gpuPrice: 0.123456789012, cpuCores: 64, memoryMb: 262_144, diskGb: 2_000 },
      capacity: { cpu_price_per_hour: 0.000000000001, memory_price_per_gb_hr: 0.01 },
    });
    const order = testOrder({ gpuCount: 1, cpuCores: 7, memoryMb: 1_000 });
    const [place] = await placementCandidates(pool(), order, production(), 1);
    // 0.123456789012 + 0.000000000007 + 0.009765625
    expect(place).toMatchObject({ rate: '133222414019000000', pricePerHour: 0.133222414019 });
    await withTransaction(pool(), async (tx) => {
      const sessionId = await putSession(pool(), testWallet);
      const rest = { sessionId, requestSha256: '', sshPublicKeys: [], env: {}, reservedAmount: 0n };
      await insertJob(tx, { ...order, ...rest, maxPricePerHour: 0.2, maxRate: '133222414019000001' });
    });
    expect(await allocate(pool(), order, place!)).toBe('allocated');
    expect(await findAllocation(pool(), order.jobId)).toEqual(place);
    await markProvisioning(pool(), order.jobId, place!);
    const { rows } = await pool().query(
      `select rate::text, price_per_hour::text, requested_max_price::text, max_price_per_hour::text from jobs`,
    );
    expect(rows).toEqual([
      {
        rate: '133222414019000000',
        price_per_hour: '0.133222414019000000',
        requested_max_price: '0.2',
        max_price_per_hour: '0.133222414019000001',
      },
    ]);
    const open = await findOpenJob(pool(), order.jobId);
    expect(open).toMatchObject({ placement: place, order: { maxRate: '133222414019000001' } });
  });

  test('the rate of a job that was placed before rates were stored follows from its price', async () => {
    await putProvider(pool(), { providerId: 'atlas' });
    const order = testOrder();
    await allocate(pool(), order, { providerId: 'atlas', nodeName: 'atlas', gpuType: 'rtx-4090', pricePerHour: 0.3 });
    expect(await findAllocation(pool(), order.jobId)).toMatchObject({ pricePerHour: 0.3, rate: '300000000000000000' });
  });
});

describe('resources that make GPUs unrentable', () => {
  const machine = { cpuCores: 64, memoryMb: 262_144, diskGb: 2_000, gpuPrice: 1 };

  test('cores, memory and disk that make GPUs unrentable are paid for like those GPUs, even in a job without GPUs', async () => {
    await putProvider(pool(), { providerId: 'atlas', ...machine });
    const rate = async (order: Partial<JobOrder>) => BigInt((await candidates(order))[0]!.rate!);
    expect(await rate({ gpuCount: 1, cpuCores: 4, memoryMb: 16_384, storageGb: 20 })).toBe(rateOf(1));
    expect(await rate({ gpuCount: 1, cpuCores: 63 })).toBe(rateOf('7.875'));
    expect(await rate({ gpuCount: 0, cpuCores: 63, memoryMb: 262_144, storageGb: 1_999 })).toBe(rateOf(8));
    expect(await rate({ gpuCount: 0, cpuCores: 1, memoryMb: 128, storageGb: 500 })).toBe(rateOf(2));
  });

  test('the rate of a job does not depend on what is rented or on how many GPUs the cluster counts', async () => {
    await putProvider(pool(), { providerId: 'atlas', ...machine, counted: 5 });
    const order = testOrder({ gpuCount: 1, cpuCores: 16 });
    const rate = async () => (await placementCandidates(pool(), order, production(), 1))[0];
    const before = await rate();
    expect(before!.rate).toBe('2000000000000000000');
    for (let rented = 0; rented < 2; rented++) await allocate(pool(), testOrder({ cpuCores: 8 }), before!);
    expect(await rate()).toEqual(before);
  });

  test('the charge for unrentable GPUs is bounded by the customer’s maximum price', async () => {
    await putProvider(pool(), { providerId: 'atlas', ...machine });
    expect(await ids({ cpuCores: 63, maxPricePerHour: 7.875 })).toEqual(['atlas']);
    expect(await ids({ cpuCores: 63, maxPricePerHour: 7.874999999 })).toEqual([]);
    expect(await ids({ cpuCores: 63, maxPricePerHour: 7.874, maxRate: '7875000000000000000' })).toEqual(['atlas']);
    expect(await ids({ cpuCores: 63, maxPricePerHour: 7.875, maxRate: '7874999999999999999' })).toEqual([]);
  });
});

describe('a machine without a price', () => {
  beforeEach(async () => {
    await putProvider(pool(), { providerId: 'unpriced', gpuPrice: 0 });
    await putProvider(pool(), { providerId: 'priced', gpuPrice: 0.5 });
  });

  test('a machine without a price gets jobs only where jobs may be free', async () => {
    expect(await ids({})).toEqual(['priced']);
    expect(await ids({}, withoutPrices)).toEqual(['unpriced', 'priced']);
    expect(await ids({ gpuCount: 0 })).toEqual(['priced']);
    const free = await freeCapacity(pool(), {}, production());
    expect(free).toMatchObject([{ gpu_type: 'rtx-4090', available_gpus: 8, price_per_hour: 0.5 }]);
  });

  test('a customer is told that a machine has no price, and what else keeps the order out', async () => {
    const order = testOrder({ providerId: 'unpriced' });
    expect(await whyNobodyTakes(pool(), order, production())).toMatch(/no price/);
    expect(await whyNobodyTakes(pool(), { ...order, gpuCount: 9 }, production())).toMatch(
      /at most 8 such GPUs free, not 9; and .* no price/,
    );
  });

  test('a machine without a price is not found as a cheap one: it comes last, and not at all in a search with a maximum price', async () => {
    const found = async (filter: object, site: SitePrices) =>
      (await searchProviders(pool(), { sort: 'price', limit: 10, offset: 0, ...filter }, site)).map(
        ({ providerId }) => providerId,
      );
    expect(await found({}, production())).toEqual(['priced', 'unpriced']);
    expect(await found({ maxPricePerHour: 1 }, production())).toEqual(['priced']);
    expect(await found({ gpuType: 'rtx-4090' }, production('*=0.6'))).toEqual(['priced', 'unpriced']);
    expect(await found({ maxPricePerHour: 0.55 }, production('*=0.6'))).toEqual(['priced']);
    expect(await found({}, withoutPrices)).toEqual(['unpriced', 'priced']);
    const rows = await freeGpus(pool(), {}, production());
    expect(rows.map(({ providerId, canCreateJob }) => [providerId, canCreateJob])).toEqual([
      ['priced', true],
      ['unpriced', false],
    ]);
  });

  test('a machine without a price is sold at the operator’s price, and shown with it', async () => {
    const site = production('RTX 4090=0.4,*=9');
    expect(await candidates({ gpuCount: 2 }, site)).toMatchObject([
      { providerId: 'unpriced', rate: '800000000000000000' },
      { providerId: 'priced', rate: '1000000000000000000' },
    ]);
    // Its floor derives from that price, too.
    expect(await candidates({ gpuCount: 0, cpuCores: 1_000 }, site)).toMatchObject([
      { providerId: 'unpriced', rate: '3200000000000000000' },
      { providerId: 'priced', rate: '4000000000000000000' },
    ]);
    const gpu = async (id: string) =>
      (await findProvider(pool(), id, site))!.resources.find(({ kind }) => kind === 'gpu');
    expect(await gpu('unpriced')).toMatchObject({ pricePerHour: 0.4, priceSource: 'operator' });
    expect(await gpu('priced')).toMatchObject({ pricePerHour: 0.5, priceSource: 'provider' });
    expect(await freeGpus(pool(), {}, site)).toMatchObject([
      { providerId: 'unpriced', pricePerHour: 0.4, priceSource: 'operator', canCreateJob: true },
      { providerId: 'priced', pricePerHour: 0.5, priceSource: 'provider', canCreateJob: true },
    ]);
  });

  test('a machine without a price takes a changed operator’s price at once, and a placed job keeps its own', async () => {
    const order = testOrder({ providerId: 'unpriced' });
    const [place] = await placementCandidates(pool(), order, production('*=0.4'), 1);
    await allocate(pool(), order, place!);
    const [dearer] = await placementCandidates(pool(), testOrder({ providerId: 'unpriced' }), production('*=0.7'), 1);
    expect(dearer).toMatchObject({ rate: '700000000000000000' });
    expect(await findAllocation(pool(), order.jobId)).toMatchObject({ rate: '400000000000000000' });
  });

  test('a machine without a price has the price of the nearest name, where a family stands for its members only', async () => {
    await putProvider(pool(), { providerId: 'sxm', gpuPrice: 0, gpus: { model: 'NVIDIA A100-SXM4-80GB', count: 1 } });
    await putProvider(pool(), { providerId: 'pcie', gpuPrice: 0, gpus: { model: 'NVIDIA A100-PCIE-40GB', count: 1 } });
    await putProvider(pool(), { providerId: 'a1000', gpuPrice: 0, gpus: { model: 'NVIDIA A1000', count: 1 } });
    const site = production('A100=1.2,A100-SXM4-80GB=1.5');
    const rows = await freeGpus(pool(), {}, site);
    const price = (id: string) => rows.find(({ providerId }) => providerId === id)!.pricePerHour;
    expect([price('sxm'), price('pcie'), price('a1000')]).toEqual([1.5, 1.2, 0]);
  });
});

describe('a machine that is offered for a limited time', () => {
  const window = (from: string | undefined, until: string | undefined) => ({
    available_from: from,
    available_until: until,
  });

  test('a machine that is offered for a limited time gets no job before it, and none that would end after it', async () => {
    await putProvider(pool(), { providerId: 'tomorrow', capacity: window(inHours(24), undefined) });
    await putProvider(pool(), { providerId: 'gone', capacity: window(undefined, inHours(-1)) });
    await putProvider(pool(), { providerId: 'tonight', capacity: window(inHours(-1), inHours(3)) });
    await putProvider(pool(), { providerId: 'always' });
    expect((await ids({ durationSeconds: 3_600 })).sort()).toEqual(['always', 'tonight']);
    expect(await ids({ durationSeconds: 4 * 3_600 })).toEqual(['always']);
    const can = await freeGpus(pool(), {}, production());
    expect(
      can
        .filter(({ canCreateJob }) => canCreateJob)
        .map(({ providerId }) => providerId)
        .sort(),
    ).toEqual(['always', 'tonight']);
    expect(await freeCapacity(pool(), {}, production())).toMatchObject([{ available_gpus: 16 }]);
    expect(await findProvider(pool(), 'tonight')).toMatchObject({ availableUntil: expect.any(Date) });
  });

  test('a customer is told that a machine is not offered for so long, and what else keeps the order out', async () => {
    await putProvider(pool(), { providerId: 'tonight', capacity: window(undefined, inHours(3)) });
    const order = testOrder({ durationSeconds: 4 * 3_600 });
    expect(await whyNobodyTakes(pool(), order, production())).toMatch(/not offer it for so long/);
    expect(await whyNobodyTakes(pool(), { ...order, maxRate: '0' }, production())).toMatch(/not offer it for so long/);
    expect(await whyNobodyTakes(pool(), { ...order, maxPricePerHour: 0.1 }, production())).toMatch(
      /for so long.*; and .*more than 0.1/,
    );
    expect(await whyNobodyTakes(pool(), { ...order, cpuCores: 1_001 }, production())).toMatch(
      /for so long.*; and one machine has at most 1000 cores free, not 1001/,
    );
  });

  test('a job may be extended up to the end of its machine’s offer, which its owner may change or remove', async () => {
    const until = inHours(3);
    await putProvider(pool(), { providerId: 'tonight', capacity: window(undefined, until) });
    const order = testOrder();
    const [place] = await placementCandidates(pool(), order, production(), 1);
    expect(await placementEndsBy(pool(), order.jobId)).toBeUndefined();
    await allocate(pool(), order, place!);
    expect((await placementEndsBy(pool(), order.jobId))!.toISOString()).toBe(until);
    const update = capacityUpdateSchema.parse({
      provider_id: 'tonight',
      capacity: { gpu_count: 8, gpu_price_per_hour: 0.5, available_until: '0001-01-01T00:00:00Z' },
    });
    await recordCapacity(pool(), 'tonight', capacityAsRegistration(update), new Date());
    expect(await placementEndsBy(pool(), order.jobId)).toBeUndefined();
  });
});

test('offer times that were registered before they had a meaning are kept in an upgrade, and invalid ones do not stop it', async () => {
  const earlier = await databaseBefore('0031');
  try {
    const stored = {
      good: '2027-01-02T03:04:05.000Z',
      far: '+010000-01-01T11:59:59.000Z',
      none: '0000-01-01T00:00:00.000Z',
    };
    for (const [id, until] of Object.entries(stored)) {
      await earlier.pool.query(
        `insert into providers (provider_id, wallet_addr, spec, capacity, offer) values ($1, $2, '{}', $3, '{"gpus": []}')`,
        [id, testWallet, { availableUntil: until }],
      );
    }
    await migrate(earlier.config);
    const { rows } = await earlier.pool.query<{ provider_id: string; available_until: Date | null }>(
      'select provider_id, available_until from providers order by 1',
    );
    expect(rows).toEqual([
      { provider_id: 'far', available_until: null },
      { provider_id: 'good', available_until: new Date(stored.good) },
      { provider_id: 'none', available_until: null },
    ]);
  } finally {
    await earlier.close();
  }
});
