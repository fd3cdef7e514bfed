import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { recordCapacity } from '../../src/db/providers.js';
import { capacityUpdateSchema, capacityAsRegistration } from '../../src/domain/registration.js';
import { simulatedMachine } from '../../engines/simulated-provider/machine.js';
import { capacityMessage, registrationMessage } from '../../engines/simulated-provider/messages.js';
import { startSimulatedProvider, type SimulatedProvider } from '../../engines/simulated-provider/provider.js';
import { unlessNotFound } from '../../src/kubernetes/client.js';
import { labels, taints } from '../../src/kubernetes/names.js';
import { readReplies } from '../../src/redis/join-answers/reads.js';
import { startRelay, type Relay } from '../../src/roles/relay/relay.js';
import { createFleetWorld, type FleetWorld } from '../support/fleet-world.js';

import { trusting } from '../support/relay.js';
import { until } from '../support/until.js';

let world: FleetWorld;
let relay: Relay;
const machines: SimulatedProvider[] = [];
const nodes: string[] = [];
beforeAll(async () => {
  world = await createFleetWorld({ PROVIDER_AUTH_MODE: 'off' });
  relay = startRelay({
    config: world.config,
    pool: world.database.pool,
    temporal: world.temporal.client,
    logger: pino({ level: 'silent' }),
    verifier: trusting,
    redisDb: world.redis.db,
  });
});
afterAll(async () => {
  await Promise.all(machines.map((machine) => machine.stop()));
  await relay.stop();
  for (const name of nodes) await unlessNotFound(world.kubernetes.core.deleteNode({ name }));
  await world.close();
});

function machine(providerId = `joins-${randomUUID().slice(0, 8)}`): SimulatedProvider {
  const { REDIS_HOST, REDIS_PORT } = world.config;
  const redisUrl = `redis://${REDIS_HOST}:${REDIS_PORT}/${world.redis.db}`;
  const started = startSimulatedProvider({ redisUrl, providerId, heartbeatIntervalMs: 1_000 });
  machines.push(started);
  started.joined.then(({ nodeName }) => nodes.push(nodeName)).catch(() => undefined);
  return started;
}

const tokens = async (providerId: string) => {
  const selector = { namespace: 'kube-system', labelSelector: `${labels.providerId}=${providerId}` };
  return (await world.kubernetes.core.listNamespacedSecret(selector)).items;
};
const gpus = async (providerId: string) =>
  (await world.row(providerId)).resources.find(({ kind }) => kind === 'gpu')?.total;
const replies = async (providerId: string) =>
  (await readReplies(world.redis.redis, providerId, '0')).map(({ reply }) => reply);
const register = async (providerId: string) => {
  const message = registrationMessage(simulatedMachine({ providerId }));
  await world.redis.redis.xadd(
    'provider:registration',
    '*',
    'data',
    JSON.stringify(message),
    'timestamp',
    new Date().toISOString(),
  );
};

describe('a provider that registers', () => {
  test('a provider joins with its join command, is marked as its node, and can use its token no more', async () => {
    const provider = machine();
    const { providerId, joined } = provider;
    await joined;
    await world.becomes(providerId, 'available');
    await until(async () => (await tokens(providerId)).length === 0);
    // The row says it first.
    const node = await until(
      async () => {
        const found = await world.node(providerId);
        return found?.metadata!.labels?.[labels.rentalStatus] === 'available' ? found : undefined;
      },
      { name: 'the node is marked as available' },
    );
    expect(node.metadata!.labels).toMatchObject({
      [labels.providerId]: providerId,
      [labels.rentalStatus]: 'available',
    });
    expect(node.spec!.taints!.map(({ key }) => key)).toContain(taints.dedicated);
    expect(await gpus(providerId)).toBe(4);
    const order = await world.running({ providerId });
    await world.commands.cancel(order.jobId, 'its owner', 20_000);
  });

  test('a provider that registers again while it is in service stays in service with its jobs, and is answered', async () => {
    const { providerId, joined } = machine();
    await joined;
    await world.becomes(providerId, 'available');
    const order = await world.running({ providerId });
    const before = (await replies(providerId)).length;
    await register(providerId);
    await until(async () => (await replies(providerId)).length > before);
    expect((await replies(providerId)).at(-1)).toMatchObject({ success: true });
    expect((await world.row(providerId)).status).toBe('available');
    expect((await world.job(order)).status).toBe('running');
    await world.commands.cancel(order.jobId, 'its owner', 20_000);
  });
});

describe('new capacity figures', () => {
  test('new capacity figures change what may be rented, and end no running job', async () => {
    const provider = machine();
    const { providerId } = provider;
    await provider.joined;
    await world.becomes(providerId, 'available');
    const order = await world.running({ providerId, gpuCount: 3 });
    await provider.reportCapacity(2);
    await until(async () => (await gpus(providerId)) === 3);
    expect((await world.job(order)).status).toBe('running');
    await world.commands.cancel(order.jobId, 'its owner', 20_000);
    expect(await gpus(providerId)).toBe(2);
    await provider.reportCapacity(4);
    await until(async () => (await gpus(providerId)) === 4);
  });

  test('new capacity figures never offer more than the cluster counts', async () => {
    const provider = machine();
    const { providerId } = provider;
    await provider.joined;
    await world.becomes(providerId, 'available');
    await world.setNodeGpus(providerId, 3);
    await until(async () => (await gpus(providerId)) === 3);
    await provider.reportCapacity(4);
    const { pool } = world.database;
    const taken = `select from providers where provider_id = $1 and capacity_at > registration_at`;
    await until(async () => (await pool.query(taken, [providerId])).rowCount === 1);
    expect(await gpus(providerId)).toBe(3);
  });

  test('new capacity figures that come late change nothing', async () => {
    const providerId = await world.joined();
    const { pool } = world.database;
    const update = (count: number) =>
      capacityAsRegistration(
        capacityUpdateSchema.parse(capacityMessage(simulatedMachine({ providerId }), providerId, count)),
      );
    const now = Date.now();
    await recordCapacity(pool, providerId, update(5), new Date(now + 2_000));
    await recordCapacity(pool, providerId, update(7), new Date(now + 1_000));
    expect(await gpus(providerId)).toBe(5);
  });
});

describe('a provider that is retired', () => {
  test('a registration that comes before a retired provider has left is rejected, and the next one begins a new life', async () => {
    const first = machine();
    const { providerId } = first;
    await first.joined;
    await world.becomes(providerId, 'available');
    const order = await world.running({ providerId });
    await world.providers.order(providerId, { action: 'retire', by: 'an operator' });
    await until(async () => (await world.state(providerId)).retiring);
    await register(providerId);
    await until(async () => (await replies(providerId)).at(-1)?.status === 'rejected');
    expect(await tokens(providerId)).toEqual([]);
    await world.commands.cancel(order.jobId, 'its owner', 20_000);
    await world.becomes(providerId, 'retired');
    expect(await world.node(providerId)).toBeUndefined();
    await first.stop();

    const second = machine(providerId);
    await second.joined;
    expect(await world.becomes(providerId, 'available')).toMatchObject({ cordoned: false, retiring: false });
    const next = await world.running({ providerId });
    await world.commands.cancel(next.jobId, 'its owner', 20_000);
  });
});
