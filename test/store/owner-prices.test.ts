import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { PrivateKeyAccount } from 'viem/accounts';
import type { Session } from '../../src/client/session.js';
import { offeredRates, placementCandidates } from '../../src/db/candidates.js';
import { withoutPrices } from '../../src/db/offers.js';
import { withTransaction } from '../../src/db/pool.js';
import { changeOwnerPrices } from '../../src/db/provider-prices.js';
import { searchProviders } from '../../src/db/provider-reads.js';
import { recordCapacity } from '../../src/db/providers.js';
import { capacityAsRegistration, capacityUpdateSchema } from '../../src/domain/registration.js';
import { newWallet } from '../support/api.js';
import { putProvider, recordOwner, testOrder } from '../support/fleet.js';
import { freeGpus } from '../support/free-gpus.js';
import { takingCommands } from '../support/owned.js';
import { startReplicas, type Replicas } from '../support/replicas.js';

let replicas: Replicas;
let owner: PrivateKeyAccount;
let session: Session;
const told: string[] = [];
beforeAll(async () => {
  replicas = await startReplicas({ env: { ALLOW_FREE_JOBS: 'true' }, commands: takingCommands(told) });
  owner = newWallet();
  session = await replicas.api.login({ account: owner, scopes: ['providers:read', 'providers:write'] });
});
afterAll(() => replicas.stop());
beforeEach(async () => {
  await pool().query('truncate allocations, providers, audit_log cascade');
  await put();
});

const pool = () => replicas.database.pool;
/** Registers the machine, again with other prices of its agent. */
const put = async (gpuPrice = 0.4, capacity: object = { cpu_price_per_hour: 0.01 }) => {
  await putProvider(pool(), { providerId: 'atlas', gpuPrice, capacity });
  await recordOwner(pool(), 'atlas', owner.address.toLowerCase());
};
const updated = (gpuPrice: number) => {
  const update = {
    provider_id: 'atlas',
    capacity: { gpu_count: 8, cpu_cores: 1_000, memory_mb: 1_000_000, gpu_price_per_hour: gpuPrice },
  };
  const registration = capacityAsRegistration(capacityUpdateSchema.parse(update));
  return recordCapacity(pool(), 'atlas', registration, new Date());
};
const set = (body: object, who = session) => who.request('PUT', '/api/v1/providers/atlas/prices', body);
const remove = (who = session) => who.request('DELETE', '/api/v1/providers/atlas/prices');
const order = testOrder({ gpuType: 'rtx-4090', gpuCount: 2, cpuCores: 3 });
const price = async () => (await placementCandidates(pool(), order, withoutPrices, 1))[0]?.pricePerHour;
const audited = async () =>
  (await pool().query('select action, target, detail from audit_log order by id')).rows as unknown[];

describe('prices of an owner', () => {
  test('orders, offers and searches have the owner’s prices, and go back to the agent’s when they are deleted', async () => {
    expect(await price()).toBe(0.83);
    const { status, body } = await set({ gpu: { 'RTX 4090': 0.7 }, cpu: '0.02' });
    expect([status, body]).toMatchObject([
      200,
      {
        capacity: { gpu_prices_per_hour: { 'NVIDIA GeForce RTX 4090': 0.7 }, cpu_price_per_hour: 0.02 },
        owner_prices: {
          gpu: { 'rtx-4090': 0.7 },
          cpu: 0.02,
          agent: { gpu: { 'rtx-4090': 0.4 }, cpu: 0.01, memory_gb: 0 },
        },
      },
    ]);
    expect(await price()).toBe(1.46);
    expect((await offeredRates(pool(), order, withoutPrices, 1))[0]?.rate).toBe(1_460_000_000_000_000_000n);
    expect(await freeGpus(pool(), {})).toMatchObject([{ pricePerHour: 0.7, priceSource: 'provider' }]);
    const cheap = { sort: 'price', limit: 10, offset: 0, maxPricePerHour: 0.5 } as const;
    expect(await searchProviders(pool(), cheap)).toEqual([]);

    expect((await remove()).body).toMatchObject({
      capacity: { gpu_prices_per_hour: { 'NVIDIA GeForce RTX 4090': 0.4 } },
    });
    expect((await remove()).body).not.toHaveProperty('owner_prices');
    expect(await price()).toBe(0.83);
    expect(await searchProviders(pool(), cheap)).toHaveLength(1);
    expect(told).toContain('atlas');
  });

  test('what the agent says later changes nothing until the owner’s prices are deleted, and holds then', async () => {
    await set({ gpu: { '4090': 0.7 } });
    await put(0.1);
    expect(await price()).toBe(1.43);
    await updated(0.2);
    expect(await price()).toBe(1.4);
    await remove();
    expect(await price()).toBe(0.4);
  });

  test('new prices take the place of all earlier ones, and a price that is left out is the agent’s', async () => {
    await set({ gpu: { '4090': 0.7 }, cpu: 0.5 });
    await set({ memory_gb: 1 });
    // 2 x 0.4 for the GPUs, 3 x 0.01 for cores and 1 for the memory.
    expect(await price()).toBe(1.83);
  });

  test('a job that takes more than its GPUs’ share of the machine pays for the rest at the owner’s price', async () => {
    await put(0.4, {});
    await set({ gpu: { '4090': 1 } });
    const large = testOrder({ gpuType: 'rtx-4090', gpuCount: 1, cpuCores: 500 });
    // Half of the cores make half of 8 GPUs unrentable.
    expect((await placementCandidates(pool(), large, withoutPrices, 1))[0]?.pricePerHour).toBe(4);
  });

  test('of two types that the cluster counts together, the one that is the cheapest by the owner’s prices is sold', async () => {
    const [dear, cheap] = ['NVIDIA GeForce RTX 4090', 'NVIDIA GeForce RTX 3090'];
    const capacity = { total_gpus: { [dear]: 1, [cheap]: 2 }, gpu_prices_per_hour: { [dear]: 0.4, [cheap]: 0.2 } };
    await putProvider(pool(), { providerId: 'atlas', gpus: { model: cheap, count: 3 }, capacity });
    await recordOwner(pool(), 'atlas', owner.address.toLowerCase());
    expect(await freeGpus(pool(), {})).toMatchObject([{ gpuType: 'rtx-3090', totalGpus: 3 }, { totalGpus: 0 }]);
    expect((await set({ gpu: { '3090': 0.9 } })).status).toBe(200);
    const sold = (await freeGpus(pool(), {})).filter(({ totalGpus }) => totalGpus > 0);
    expect(sold).toMatchObject([{ gpuType: 'rtx-4090', totalGpus: 3, pricePerHour: 0.4 }]);
  });

  test('an owner’s change and an agent’s update at the same time leave the owner’s price, whoever is first', async () => {
    for (let round = 1; round <= 10; round++) {
      await pool().query('delete from provider_prices');
      await Promise.all([
        updated(round / 100),
        withTransaction(pool(), (tx) =>
          changeOwnerPrices(
            tx,
            'atlas',
            { prices: () => ({ gpu: { 'rtx-4090': 5 } }), by: owner.address },
            withoutPrices,
          ),
        ),
        updated(round / 50),
      ]);
      expect(await price()).toBe(10);
    }
  });

  test.each([
    ['a GPU that the machine has not', { gpu: { H100: 1 } }, 'gpu', 'it has rtx-4090'],
    ['a GPU twice', { gpu: { '4090': 1, 'RTX 4090': 2 } }, 'gpu', 'twice'],
    ['no price', {}, 'body', 'must name a price'],
    ['a price below nothing', { cpu: -1 }, 'cpu', 'from 0 to 1000000'],
    ['a price beyond all', { gpu: { '4090': 1e7 } }, 'gpu.4090', 'from 0 to 1000000'],
    ['a text that is no price', { memory_gb: '1e3' }, 'memory_gb', 'from 0 to 1000000'],
    ['an unknown field', { cpu: 1, disk: 1 }, 'disk', 'not a field'],
  ])('%s is refused, and changes nothing', async (_, body, field, message) => {
    const reply = await set(body);
    expect([reply.status, reply.body]).toMatchObject([
      422,
      { errors: [{ field, message: expect.stringContaining(message) }] },
    ]);
    expect([await price(), await audited()]).toEqual([0.83, []]);
  });

  test('somebody else is told that there is no such provider', async () => {
    const stranger = await replicas.api.login({ scopes: ['providers:read', 'providers:write'] });
    for (const reply of [await set({ cpu: 1 }, stranger), await remove(stranger)]) {
      expect([reply.status, reply.body]).toMatchObject([404, { code: 'provider_not_found' }]);
    }
    expect(await price()).toBe(0.83);
  });

  test('each change stands in the audit log, with what was before and after', async () => {
    await set({ cpu: 1 });
    await set({ cpu: 2 });
    await remove();
    // Nothing is left to delete.
    await remove();
    expect(await audited()).toEqual([
      { action: 'provider.prices_set', target: 'atlas', detail: { after: { cpu: 1 } } },
      { action: 'provider.prices_set', target: 'atlas', detail: { before: { cpu: 1 }, after: { cpu: 2 } } },
      { action: 'provider.prices_delete', target: 'atlas', detail: { before: { cpu: 2 } } },
    ]);
  });
});
