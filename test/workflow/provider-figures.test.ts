import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { providersWithNodes } from '../../src/db/provider-reads.js';
import { machineLimits } from '../../src/domain/provider.js';
import { mergePatch } from '../../src/kubernetes/client.js';
import { gpuResource } from '../../src/kubernetes/names.js';
import { responseStream } from '../../src/wire/streams.js';
import { createFleetWorld, type FleetWorld } from '../support/fleet-world.js';
import { until } from '../support/until.js';

let world: FleetWorld;
beforeAll(async () => {
  world = await createFleetWorld();
});
afterAll(async () => await world.close());

/** What whoever is root on the machine lets its kubelet say. */
const nodeSays = (providerId: string, figures: Record<string, string>) =>
  world.kubernetes.core.patchNodeStatus(
    { name: providerId, body: { status: { capacity: figures, allocatable: figures } } },
    mergePatch,
  );
const stored = async (providerId: string) => {
  const { rows } = await world.database.pool.query<{ allocatable: { gpus: number; systemPods: number } }>(
    'select allocatable from providers where provider_id = $1',
    [providerId],
  );
  return rows[0]!.allocatable;
};
const assess = (providerId: string) => world.activities.assessProvider({ providerId });

test('a provider whose node reports impossible figures is looked after like any other', async () => {
  const providerId = await world.joined();
  const most = '9223372036854775807';
  await nodeSays(providerId, { [gpuResource]: most, cpu: most, memory: most, 'ephemeral-storage': most, pods: most });
  // So many on a machine with eight are no GPUs that somebody could be given.
  expect(await assess(providerId)).toMatchObject({
    status: 'joined',
    reason: expect.stringContaining('parts of GPUs'),
  });
  expect(await stored(providerId)).toEqual({
    gpus: machineLimits.gpus,
    cpuCores: machineLimits.cpuCores,
    memoryMb: machineLimits.memoryMb,
    storageGb: machineLimits.diskGb,
    pods: machineLimits.pods,
    systemPods: 0,
  });
  const total = async (of: string) => (await world.row(providerId)).resources.find(({ kind }) => kind === of)?.total;
  expect(await total('gpu')).toBe(0);
  // What it offers is still all that is sold.
  expect(await total('cpu')).toBe(1_000);
  await nodeSays(providerId, { [gpuResource]: '9' });
  expect(await assess(providerId)).toMatchObject({ status: 'available' });
  expect(await total('gpu')).toBe(8);

  await nodeSays(providerId, { [gpuResource]: '0', cpu: '1n', memory: '1', 'ephemeral-storage': '500m', pods: '0' });
  expect(await assess(providerId)).toMatchObject({ facts: { gpusReady: false } });
  expect(await stored(providerId)).toEqual({ gpus: 0, cpuCores: 0, memoryMb: 0, storageGb: 0, pods: 0, systemPods: 0 });
});

test('a provider has no more pods for jobs than the system leaves on its node', async () => {
  const providerId = await world.joined();
  const { core } = world.kubernetes;
  const namespace = 'default';
  const names = Array.from({ length: 12 }, (_, at) => `${providerId}-${at}`);
  for (const name of names) {
    await core.createNamespacedPod({
      namespace,
      body: {
        metadata: { name },
        spec: {
          nodeName: providerId,
          automountServiceAccountToken: false,
          terminationGracePeriodSeconds: 1,
          containers: [{ name: 'system', image: 'example' }],
        },
      },
    });
  }
  const order = await world.running({ providerId });
  // The API server answers from its memory, which is a moment behind.
  await until(async () => {
    await assess(providerId);
    return (await stored(providerId)).systemPods === 12;
  });
  const pods = async () => (await world.row(providerId)).resources.find(({ kind }) => kind === 'pods');
  expect(await pods()).toMatchObject({ total: 98, rented: 1 });
  await world.commands.cancel(order.jobId, 'its owner', 20_000);
  expect(await pods()).toMatchObject({ rented: 0 });
  for (const name of names) await core.deleteNamespacedPod({ name, namespace, gracePeriodSeconds: 0 });
});

test('a machine whose kubelet fell silent was away since its last heartbeat, even before that heartbeat is overdue', async () => {
  const providerId = await world.joined();
  const lastMs = Date.now() - 40_000;
  await world.database.pool.query('update provider_heartbeats set last_heartbeat = $2 where provider_id = $1', [
    providerId,
    new Date(lastMs),
  ]);
  await world.kubernetes.core.patchNode(
    { name: providerId, body: { metadata: { labels: { type: null } } } },
    mergePatch,
  );
  const nodeIs = (status: string) =>
    world.kubernetes.core.patchNodeStatus(
      {
        name: providerId,
        body: { status: { conditions: [{ type: 'Ready', status, lastTransitionTime: new Date(), reason: 'Test' }] } },
      },
      mergePatch,
    );
  await nodeIs('Unknown');
  expect(await assess(providerId)).toMatchObject({ status: 'offline', awaySince: new Date(lastMs).toISOString() });
  // One that says so itself was there until it did.
  await nodeIs('False');
  expect(Date.parse((await assess(providerId))!.awaySince!)).toBeGreaterThan(lastMs + 30_000);
});

test('figures stored by an earlier version do not keep the watcher from starting', async () => {
  const providerId = await world.joined();
  await world.database.pool.query(
    `update providers set allocatable = allocatable || '{"gpus": 30000000000}' where provider_id = $1`,
    [providerId],
  );
  const known = await providersWithNodes(world.database.pool);
  expect(known.find((node) => node.providerId === providerId)?.nodeGpus).toBe(machineLimits.gpus);
});

test('a provider leaves, whatever is at the keys of its answers and in its counters', async () => {
  const providerId = await world.joined();
  await world.redis.redis.del(responseStream(providerId));
  await world.redis.redis.set(responseStream(providerId), 'not a stream');
  await world.database.pool.query(`update provider_resources set rented = 1 where provider_id = $1 and kind = 'gpu'`, [
    providerId,
  ]);
  await world.providers.order(providerId, { action: 'retire', by: 'operator' });
  await until(async () => (await world.row(providerId)).status === 'retired', { timeoutMs: 30_000 });
  expect(await world.redis.redis.exists(responseStream(providerId))).toBe(0);
  expect(await world.node(providerId)).toBeUndefined();
});
