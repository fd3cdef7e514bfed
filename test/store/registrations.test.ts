import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { recordCapacity, recordNode, recordRegistrations } from '../../src/db/providers.js';
import { cordon, drain, retire, uncordon } from '../../src/db/provider-operations.js';
import { allocate, release } from '../../src/db/allocations.js';
import { placementCandidates } from '../../src/db/candidates.js';
import { withoutPrices } from '../../src/db/offers.js';
import { findProvider } from '../../src/db/provider-reads.js';
import {
  capacityAsRegistration,
  capacityUpdateSchema,
  offerOf,
  registrationSchema,
} from '../../src/domain/registration.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, testOrder } from '../support/fleet.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database.close());
const providerId = 'atlas';
beforeEach(async () => {
  await database.pool.query('truncate allocations, providers cascade');
});

const at = (minute: number) => new Date(Date.UTC(2026, 10, 25, 12, minute));
const owner = (digit: number) => `0x${String(digit).repeat(40)}`;

/** A message that arrived at this minute; all its values contain the number. */
async function registers(minute: number): Promise<boolean> {
  const registration = registrationSchema.parse({
    provider_id: providerId,
    wallet_addr: owner(minute),
    agent_version: `1.${minute}`,
    spec: { hostname: `host-${minute}`, architecture: 'x86_64', gpus: [{ name: 'NVIDIA L4' }], total_disk_gb: 100 },
    capacity: { gpu_count: 1, cpu_cores: minute, memory_mb: 1_024 * minute, gpu_price_per_hour: minute / 10 },
    mining_config: { image: `docker.io/miners/one:${minute}` },
  });
  const [isNewest] = await recordRegistrations(database.pool, [
    {
      ...{ providerId, wallet: registration.walletAddr!, walletVerified: minute % 2 === 0 },
      ...{ spec: registration.spec, capacity: registration.capacity, offer: offerOf(registration) },
      ...{ miningConfig: registration.miningConfig!, agentVersion: registration.agentVersion!, publicIp: null },
      receivedAt: at(minute),
    },
  ]);
  return isNewest!;
}
const reports = (minute: number) =>
  recordCapacity(
    database.pool,
    providerId,
    capacityAsRegistration(
      capacityUpdateSchema.parse({
        provider_id: providerId,
        capacity: { gpu_count: 1, cpu_cores: minute, memory_mb: 1_024, gpu_price_per_hour: minute / 10 },
      }),
    ),
    at(minute),
  );

async function stored(): Promise<unknown[]> {
  const { rows } = await database.pool.query(
    `select to_jsonb(p) - 'updated_at' as row, (select jsonb_agg(to_jsonb(r) order by kind, name) from provider_resources r) as resources
       from providers p`,
  );
  return rows;
}
const shown = async () => {
  const row = (await findProvider(database.pool, providerId))!;
  const gpu = row.resources.find(({ kind }) => kind === 'gpu');
  return [row.wallet, row.spec.hostname, gpu?.pricePerHour];
};

describe('a registration', () => {
  test('a registration older than the stored one changes nothing', async () => {
    expect(await registers(5)).toBe(true);
    const before = await stored();
    expect(await registers(4)).toBe(false);
    expect(await stored()).toEqual(before);
    expect(await shown()).toEqual([owner(5), 'host-5', 0.5]);
  });

  test('a newer registration replaces the stored one, and so does a redelivery of the same one', async () => {
    await registers(5);
    expect(await registers(6)).toBe(true);
    expect(await shown()).toEqual([owner(6), 'host-6', 0.6]);
    const before = await stored();
    expect(await registers(6)).toBe(true);
    expect(await stored()).toEqual(before);
  });

  test('a registration is a sign of life, and never sets an earlier time', async () => {
    await registers(5);
    const heard = async () => (await findProvider(database.pool, providerId))!.lastHeartbeat;
    expect(await heard()).toEqual(at(5));
    await registers(4);
    expect(await heard()).toEqual(at(5));
    await registers(7);
    expect(await heard()).toEqual(at(7));
  });

  test('a registration keeps the operator commands for its provider, unless the provider was retired', async () => {
    await registers(5);
    await drain(database.pool, providerId, { until: at(59), retire: true });
    await registers(6);
    const row = () => findProvider(database.pool, providerId);
    expect(await row()).toMatchObject({ cordoned: true, retiring: true, drainUntil: at(59) });
    expect(await retire(database.pool, providerId)).toBe(0);
    // A redelivery of the registration that admitted it.
    expect(await registers(6)).toBe(false);
    expect(await row()).toMatchObject({ status: 'retired' });
    expect(await registers(7)).toBe(true);
    expect(await row()).toMatchObject({ status: 'pending', cordoned: false, retiring: false });
    expect(await row()).not.toHaveProperty('drainUntil');
  });
});

describe('a capacity update', () => {
  test('a capacity update changes the offer and its prices, and keeps the machine and its owner', async () => {
    await registers(5);
    await reports(6);
    expect(await shown()).toEqual([owner(5), 'host-5', 0.6]);
    await reports(7);
    expect(await shown()).toEqual([owner(5), 'host-5', 0.7]);
  });

  test('a capacity update older than the stored figures changes nothing', async () => {
    await registers(5);
    await reports(7);
    const before = await stored();
    await reports(6);
    expect(await stored()).toEqual(before);
    // Nor does an older message undo a registration.
    await registers(9);
    await reports(8);
    expect(await shown()).toEqual([owner(9), 'host-9', 0.9]);
  });

  test('a capacity update of an unregistered provider has no effect', async () => {
    await reports(6);
    expect(await stored()).toEqual([]);
  });
});

describe('a provider', () => {
  const placement = { providerId, nodeName: providerId, gpuType: 'rtx-4090', gpuModel: 'RTX 4090', pricePerHour: 0.5 };

  test('a provider with jobs is not retired, and a retired one sells nothing and has no node', async () => {
    await putProvider(database.pool, { providerId });
    const order = testOrder();
    expect(await allocate(database.pool, order, placement)).toBe('allocated');
    expect(await retire(database.pool, providerId)).toBe(1);
    expect(await findProvider(database.pool, providerId)).toMatchObject({ status: 'available' });
    await release(database.pool, order.jobId);
    expect(await retire(database.pool, providerId)).toBe(0);
    const row = (await findProvider(database.pool, providerId))!;
    expect(row).toMatchObject({ status: 'retired', cordoned: true });
    expect(row.resources.map(({ total, rented }) => total + rented)).toEqual(row.resources.map(() => 0));
    expect(await allocate(database.pool, testOrder(), placement)).toBe('taken');
    const seen = { nodeName: providerId, nodeUid: 'uid', ready: true, allocatable: noNode };
    expect(await recordNode(database.pool, providerId, seen)).toBeUndefined();
    // No operator command affects it.
    await uncordon(database.pool, providerId);
    await drain(database.pool, providerId, { until: undefined, retire: true });
    expect(await findProvider(database.pool, providerId)).toEqual(row);
  });

  test('a cordoned provider gets no job, and gets jobs again once it is uncordoned', async () => {
    await putProvider(database.pool, { providerId });
    const places = async () => (await placementCandidates(database.pool, testOrder(), withoutPrices, 5)).length;
    expect(await places()).toBe(1);
    await cordon(database.pool, providerId);
    // Nothing even tries: it would delay the providers that take jobs.
    expect(await places()).toBe(0);
    expect(await allocate(database.pool, testOrder(), placement)).toBe('taken');
    await uncordon(database.pool, providerId);
    expect(await allocate(database.pool, testOrder(), placement)).toBe('allocated');
  });

  test('a provider that is leaving the fleet stays cordoned, whoever tries to uncordon it', async () => {
    await putProvider(database.pool, { providerId });
    await drain(database.pool, providerId, { until: at(59), retire: true });
    await drain(database.pool, providerId, { until: undefined, retire: false });
    await uncordon(database.pool, providerId);
    expect(await findProvider(database.pool, providerId)).toMatchObject({ cordoned: true, retiring: true });
  });
});

const noNode = { gpus: 8, cpuCores: 8, memoryMb: 8_192, storageGb: 8 };
