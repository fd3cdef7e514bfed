import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { allocate, findAllocation, jobsHolding, release } from '../../src/db/allocations.js';
import { freeCapacity, placementCandidates } from '../../src/db/candidates.js';
import { migrate } from '../../src/db/migrate.js';
import { withoutPrices } from '../../src/db/offers.js';
import { findProvider, searchProviders } from '../../src/db/provider-reads.js';
import { recordNode, setProviderStatus } from '../../src/db/providers.js';
import { correctRented, differingProviders } from '../../src/db/reconcile-ledger.js';
import { withTransaction } from '../../src/db/pool.js';
import type { JobOrder, Placement } from '../../src/domain/job.js';
import { databaseBefore, freshDatabase, type TestDatabase } from '../support/database.js';
import { freeGpus } from '../support/free-gpus.js';
import { jobRecords } from '../support/job-records.js';
import { putProvider, testOrder } from '../support/fleet.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
beforeEach(async () => {
  await database.pool.query('truncate allocations, providers cascade');
});

const pool = () => database.pool;
const place = async (order: JobOrder): Promise<Placement> =>
  (await placementCandidates(pool(), order, withoutPrices, 1))[0]!;
const rented = async (providerId: string) =>
  Object.fromEntries(
    (await findProvider(pool(), providerId))!.resources.map(({ kind, rented: amount }) => [kind, amount]),
  );
const free = async () => (await freeGpus(pool(), {})).reduce((sum, { availableGpus }) => sum + availableGpus, 0);

describe('allocation', () => {
  test('of 200 concurrent orders for 8 GPUs, 8 get one each, and the ledger says 8', async () => {
    await putProvider(pool(), { providerId: 'one' });
    const order = testOrder();
    const spot = await place(order);
    const outcomes = await Promise.all(Array.from({ length: 200 }, () => allocate(pool(), testOrder(), spot)));
    expect(outcomes.filter((outcome) => outcome === 'allocated')).toHaveLength(8);
    expect(outcomes.filter((outcome) => outcome === 'taken')).toHaveLength(192);
    expect(await rented('one')).toEqual({ cpu: 8, gpu: 8, memory: 8_192, pods: 8, storage: 8 });
    expect(await jobsHolding(pool(), 'one')).toHaveLength(8);
  });

  test.each([
    ['cores', { cpuCores: 400 }, 2],
    ['memory', { memoryMb: 300_000 }, 3],
    ['storage', { storageGb: 9_000 }, 1],
  ])('concurrent orders cannot oversell %s', async (_, sizes, fits) => {
    await putProvider(pool(), { providerId: 'one' });
    const spot = await place(testOrder());
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => allocate(pool(), testOrder(sizes), spot)));
    expect(outcomes.filter((outcome) => outcome === 'allocated')).toHaveLength(fits);
  });

  test('an allocation takes everything or nothing', async () => {
    await putProvider(pool(), { providerId: 'one' });
    const order = testOrder({ gpuCount: 2, memoryMb: 2_000_000 });
    expect(await allocate(pool(), order, await place(testOrder()))).toBe('taken');
    expect(await rented('one')).toEqual({ cpu: 0, gpu: 0, memory: 0, pods: 0, storage: 0 });
    expect(await findAllocation(pool(), order.jobId)).toBeUndefined();
  });

  test('repeating an allocation of a job takes nothing more, however often and at whichever provider', async () => {
    await putProvider(pool(), { providerId: 'one' });
    await putProvider(pool(), { providerId: 'two', gpuPrice: 0.6 });
    const order = testOrder({ gpuCount: 3 });
    const [one, two] = await placementCandidates(pool(), order, withoutPrices, 2);
    const outcomes = await Promise.all([one!, two!, one!, two!, one!].map((spot) => allocate(pool(), order, spot)));
    expect(outcomes.filter((outcome) => outcome === 'allocated')).toHaveLength(1);
    expect(await free()).toBe(13);
    expect(await allocate(pool(), order, two!)).toBe('held');
    const held = await findAllocation(pool(), order.jobId);
    expect((await jobRecords(pool()).placeJob(order)).providerId).toBe(held!.providerId);
  });

  test('a provider that is no longer available gives no allocation', async () => {
    await putProvider(pool(), { providerId: 'one' });
    const order = testOrder();
    const spot = await place(order);
    await setProviderStatus(pool(), 'one', 'offline', 'gone');
    expect(await allocate(pool(), order, spot)).toBe('taken');
    expect(await placementCandidates(pool(), order, withoutPrices, 5)).toEqual([]);
  });
});

describe('release', () => {
  test('a release frees an allocation once, however often and concurrently it runs', async () => {
    await putProvider(pool(), { providerId: 'one' });
    const [kept, ended] = [testOrder({ gpuCount: 2 }), testOrder({ gpuCount: 3 })];
    const spot = await place(kept);
    await allocate(pool(), kept, spot);
    await allocate(pool(), ended, spot);
    await Promise.all(Array.from({ length: 10 }, () => release(pool(), ended.jobId)));
    expect(await rented('one')).toEqual({ cpu: 1, gpu: 2, memory: 1_024, pods: 1, storage: 1 });
  });

  test('a release before the allocation rejects the later allocation', async () => {
    await putProvider(pool(), { providerId: 'one' });
    const order = testOrder();
    const spot = await place(order);
    await release(pool(), order.jobId);
    expect(await allocate(pool(), order, spot)).toBe('released');
    expect(await free()).toBe(8);
    await expect(jobRecords(pool()).placeJob(order)).rejects.toMatchObject({
      code: 'allocation_released',
    });
  });

  test('allocations and releases of many jobs in any order leave nothing behind', async () => {
    await putProvider(pool(), { providerId: 'one' });
    await putProvider(pool(), { providerId: 'two' });
    const records = jobRecords(pool());
    await Promise.all(
      Array.from({ length: 100 }, async (_, index) => {
        const order = testOrder({ gpuCount: (index % 3) + 1 });
        const ending = index % 2 === 0 ? release(pool(), order.jobId) : undefined;
        await records.placeJob(order).catch((error: { code?: string }) => {
          if (error.code !== 'no_capacity' && error.code !== 'allocation_released') throw error;
        });
        await ending;
        await release(pool(), order.jobId);
      }),
    );
    for (const id of ['one', 'two'])
      expect(await rented(id)).toEqual({ cpu: 0, gpu: 0, memory: 0, pods: 0, storage: 0 });
  });
});

describe('free capacity', () => {
  test('under load free capacity is always the total minus what jobs hold, and the counters agree', async () => {
    await putProvider(pool(), { providerId: 'one' });
    await putProvider(pool(), { providerId: 'two', gpuPrice: 0.6 });
    const spots = await placementCandidates(pool(), testOrder(), withoutPrices, 2);
    let over = false;
    const looking = (async () => {
      const looks: [free: number, held: number][] = [];
      while (!over || looks.length === 0) {
        // Both figures in one statement, so that nothing can happen between them.
        looks.push(
          await withTransaction(pool(), async (tx) => {
            await tx.query('set transaction isolation level repeatable read');
            const figures = await freeGpus(tx, {});
            const { rows } = await tx.query<{ held: number }>(
              'select coalesce(sum(gpu_count), 0)::int as held from allocations where released_at is null',
            );
            expect(await differingProviders(tx)).toEqual([]);
            return [figures.reduce((sum, { availableGpus }) => sum + availableGpus, 0), rows[0]!.held];
          }),
        );
      }
      return looks;
    })();
    const life = async (index: number) => {
      const order = testOrder({ gpuCount: (index % 3) + 1 });
      await allocate(pool(), order, spots[index % 2]!);
      await release(pool(), order.jobId);
    };
    await Promise.all(Array.from({ length: 60 }, (_, index) => life(index))).finally(() => (over = true));
    const looks = await looking;
    expect(looks.map(([figure]) => figure)).toEqual(looks.map(([, held]) => 16 - held));
    expect(await free()).toBe(16);
  });
});

describe('pods of a node', () => {
  const cpuOnly = (): JobOrder => testOrder({ gpuCount: 0 });

  test('each job takes one pod, and a node sells no more pods than its system pods leave', async () => {
    await putProvider(pool(), { providerId: 'one', pods: 6 });
    const spot = await place(cpuOnly());
    const orders = Array.from({ length: 20 }, cpuOnly);
    const outcomes = await Promise.all(orders.map((order) => allocate(pool(), order, spot)));
    expect(outcomes.filter((outcome) => outcome === 'allocated')).toHaveLength(5);
    expect(await rented('one')).toEqual({ cpu: 5, gpu: 0, memory: 5_120, pods: 5, storage: 5 });
  });

  test('a provider without free pods is no candidate and is not offered', async () => {
    await putProvider(pool(), { providerId: 'full', pods: 3, gpuPrice: 0.1 });
    await putProvider(pool(), { providerId: 'dear' });
    const jobs = [cpuOnly(), cpuOnly()];
    for (const job of jobs) expect(await allocate(pool(), job, await place(cpuOnly()))).toBe('allocated');
    expect((await place(testOrder())).providerId).toBe('dear');
    const [{ available_gpus: free } = { available_gpus: 0 }] = await freeCapacity(pool(), {}, withoutPrices);
    expect(free).toBe(8);
    expect((await freeGpus(pool(), {})).map((row) => [row.providerId, row.canCreateJob])).toEqual([
      ['full', false],
      ['dear', true],
    ]);
    expect((await findProvider(pool(), 'full'))!.status).toBe('busy');
    await release(pool(), jobs[0]!.jobId);
    expect((await place(testOrder())).providerId).toBe('full');
    expect((await findProvider(pool(), 'full'))!.status).toBe('available');
  });

  test('a node’s system pods reduce the pods that are sold', async () => {
    await putProvider(pool(), { providerId: 'one' });
    const pods = async () => (await findProvider(pool(), 'one'))!.resources.find(({ kind }) => kind === 'pods')!.total;
    expect(await pods()).toBe(100);
    const counted = { gpus: 8, cpuCores: 1_000, memoryMb: 1_000_000, storageGb: 10_000, pods: 110 };
    const node = { nodeName: 'one', nodeUid: 'u', ready: true };
    await recordNode(pool(), 'one', { ...node, allocatable: { ...counted, systemPods: 25 } });
    expect(await pods()).toBe(85);
    await recordNode(pool(), 'one', { ...node, allocatable: { ...counted, pods: 20, systemPods: 25 } });
    expect(await pods()).toBe(0);
  });

  test('pods of jobs from an earlier version count from the migration on', async () => {
    const earlier = await databaseBefore('0042');
    const db = earlier.pool;
    try {
      await db.query(
        `insert into providers (provider_id, wallet_addr, spec, capacity, offer, allocatable)
         select id, $1, '{}', '{}', '{"gpus": []}', allocatable
           from (values ('here', '{"gpus": 0, "cpuCores": 8}'::jsonb), ('away', '{"gpus": 0, "cpuCores": 0}'), ('new', null))
                  as t (id, allocatable)`,
        [`0x${'1'.repeat(40)}`],
      );
      await db.query(
        `insert into allocations (job_id, provider_id, wallet, node_name, released_at)
         select gen_random_uuid(), id, '', '', ended
           from (values ('here', null), ('here', null), ('here', now()), ('away', null)) as t (id, ended)`,
      );
      await migrate(earlier.config);
      const { rows } = await db.query(
        `select provider_id, target::int, total::int, rented::int from provider_resources where kind = 'pods' order by 1`,
      );
      expect(rows).toEqual([
        { provider_id: 'away', target: 0, total: 1, rented: 1 },
        { provider_id: 'here', target: 100, total: 100, rented: 2 },
        { provider_id: 'new', target: 0, total: 0, rented: 0 },
      ]);
      expect(await differingProviders(db)).toEqual([]);
      // A worker of the previous version places and releases.
      await db.query(
        `insert into allocations (job_id, provider_id, wallet, node_name) values (gen_random_uuid(), 'here', '', '')`,
      );
      expect(await differingProviders(db)).toEqual([]);
      await db.query(`update provider_resources set rented = 7 where provider_id = 'here' and kind = 'pods'`);
      expect(await correctRented(db, 'here')).toMatchObject([{ kind: 'pods', rented: 7, held: 2 }]);
    } finally {
      await earlier.close();
    }
  });
});

describe('capacity', () => {
  test('a GPU that the cluster does not count is not sold', async () => {
    await putProvider(pool(), { providerId: 'one', counted: 3 });
    expect(await free()).toBe(3);
  });

  test('an offer that shrinks below what is rented takes nothing from jobs, and comes down as they end', async () => {
    await putProvider(pool(), { providerId: 'one' });
    const orders = Array.from({ length: 5 }, () => testOrder());
    const spot = await place(orders[0]!);
    for (const order of orders) await allocate(pool(), order, spot);
    await recordNode(pool(), 'one', {
      nodeName: 'one',
      nodeUid: 'u',
      ready: true,
      allocatable: { gpus: 2, cpuCores: 1_000, memoryMb: 1_000_000, storageGb: 10_000 },
    });
    const gpus = async () => {
      const { total, rented: amount } = (await findProvider(pool(), 'one'))!.resources.find(
        ({ kind }) => kind === 'gpu',
      )!;
      return [total, amount];
    };
    expect(await gpus()).toEqual([5, 5]);
    for (const order of orders.slice(0, 4)) await release(pool(), order.jobId);
    expect(await gpus()).toEqual([2, 1]);
  });

  test('GPU types that a machine once named leave only a few rows, and no rented type is removed', async () => {
    const named = (type: number) =>
      putProvider(pool(), { providerId: 'one', gpus: { model: `Type ${type}`, count: 8 } });
    await named(0);
    const order = testOrder({ gpuCount: 1 });
    await allocate(pool(), order, await place(order));
    for (let type = 1; type < 30; type++) await named(type);
    const types = async () => (await findProvider(pool(), 'one'))!.resources.filter(({ kind }) => kind === 'gpu');
    expect(await types()).toHaveLength(17);
    expect((await types()).find(({ name }) => name === 'type-0')).toMatchObject({ rented: 1, total: 1 });
    await release(pool(), order.jobId);
    await named(30);
    expect(await types()).toHaveLength(17);
    expect((await types()).find(({ name }) => name === 'type-30')).toMatchObject({ rented: 0, total: 8 });
  });

  test('a customer whose order found no capacity is told the free GPUs by type', async () => {
    await putProvider(pool(), { providerId: 'one', gpus: { model: 'RTX 4090', count: 4 } });
    await putProvider(pool(), { providerId: 'two', gpus: { model: 'NVIDIA RTX 4090', count: 2 }, gpuPrice: 0.4 });
    await putProvider(pool(), { providerId: 'three', gpus: { model: 'NVIDIA A100', count: 8 } });
    expect(await freeCapacity(pool(), { gpuTypes: ['rtx-4090'] }, withoutPrices)).toEqual([
      { gpu_type: 'rtx-4090', available_gpus: 6, most_at_one_provider: 4, price_per_hour: 0.4, vram_gb: 24 },
    ]);
    expect(await freeCapacity(pool(), {}, withoutPrices)).toHaveLength(2);
  });
});

describe('placement', () => {
  test('an order goes to the cheapest matching provider, and among equal prices to the fullest one', async () => {
    await putProvider(pool(), { providerId: 'dear', gpuPrice: 0.9 });
    await putProvider(pool(), { providerId: 'large', gpuPrice: 0.5 });
    await putProvider(pool(), { providerId: 'small', gpuPrice: 0.5, gpus: { model: 'RTX 4090', count: 2 } });
    const found = await placementCandidates(pool(), testOrder({ gpuCount: 2 }), withoutPrices, 5);
    expect(found.map(({ providerId }) => providerId)).toEqual(['small', 'large', 'dear']);
    expect(found[0]).toMatchObject({ gpuType: 'rtx-4090', pricePerHour: 1, nodeName: 'small' });
    const four = await placementCandidates(pool(), testOrder({ gpuCount: 4 }), withoutPrices, 5);
    expect(four.map(({ providerId }) => providerId)).toEqual(['large', 'dear']);
  });

  test('an order keeps to the requested provider, type and price', async () => {
    await putProvider(pool(), { providerId: 'ada' });
    await putProvider(pool(), { providerId: 'hopper', gpus: { model: 'NVIDIA H100', count: 8 }, gpuPrice: 2 });
    const ids = async (order: Partial<JobOrder>) =>
      (await placementCandidates(pool(), testOrder(order), withoutPrices, 5)).map(({ providerId }) => providerId);
    expect(await ids({ providerId: 'hopper' })).toEqual(['hopper']);
    expect(await ids({ gpuType: 'h100' })).toEqual(['hopper']);
    expect(await ids({ maxPricePerHour: 0.5 })).toEqual(['ada']);
    expect(await ids({ maxPricePerHour: 0.49 })).toEqual([]);
    expect(await ids({ gpuCount: 0 })).toEqual(['ada', 'hopper']);
    expect(await ids({ gpuCount: 9 })).toEqual([]);
  });
});

describe('search', () => {
  test('a search matches by free capacity, and shows a provider without a free GPU as busy', async () => {
    await putProvider(pool(), { providerId: 'full', gpus: { model: 'RTX 4090', count: 1 } });
    await putProvider(pool(), { providerId: 'free', gpuPrice: 0.7 });
    await allocate(pool(), testOrder(), await place(testOrder()));
    const ids = async (filter: object) =>
      (await searchProviders(pool(), { sort: 'price', limit: 10, offset: 0, ...filter })).map(
        ({ providerId }) => providerId,
      );
    expect(await ids({})).toEqual(['free']);
    expect(await ids({ status: 'busy' })).toEqual(['full']);
    expect(await ids({ gpuCount: 8 })).toEqual(['free']);
    expect(await ids({ maxPricePerHour: 0.6 })).toEqual([]);
    expect(await ids({ minMemoryMb: 2_000_000 })).toEqual([]);
    expect(await ids({ gpuType: 'h100' })).toEqual([]);
  });
});
