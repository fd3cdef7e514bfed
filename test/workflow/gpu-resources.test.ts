import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jobObjectName, type JobOrder } from '../../src/domain/job.js';
import { mergePatch } from '../../src/kubernetes/client.js';
import { minersName } from '../../src/domain/mining.js';
import { gpuResource, miningNamespace } from '../../src/kubernetes/names.js';
import { createFleetWorld, type FleetWorld } from '../support/fleet-world.js';
import { decidedWithinMs, until } from '../support/until.js';
import { namespaceOf } from '../support/tenants.js';

let world: FleetWorld;
beforeAll(async () => {
  // Long enough for GPUs to come back in time on a busy machine.
  world = await createFleetWorld({ MINING_IMAGE_ALLOWLIST: ['docker.io/miners/*'], PROVIDER_LOSS_GRACE_S: 8 });
});
afterAll(() => world.close());

const [ada, ampere, part] = ['nvidia.com/rtx-4090', 'nvidia.com/rtx-3090', 'nvidia.com/mig-1g.5gb'];
const models = { ada: 'NVIDIA GeForce RTX 4090', ampere: 'NVIDIA GeForce RTX 3090' };
/** A machine with two of each. */
const mixed = (gpuResources: Record<string, number>) =>
  world.joined({
    gpus: { model: models.ada, count: 4 },
    capacity: {
      total_gpus: { [models.ada]: 2, [models.ampere]: 2 },
      gpu_prices_per_hour: { [models.ada]: 0.4, [models.ampere]: 0.2 },
    },
    gpuResources,
  });
/** The GPUs that a job's pod asks for. */
const asked = async ({ jobId, wallet }: JobOrder) => {
  const pod = await world.kubernetes.core.readNamespacedPod({
    name: jobObjectName(jobId),
    namespace: namespaceOf(wallet),
  });
  const { limits, requests } = pod.spec!.containers[0]!.resources!;
  expect(limits).toEqual(requests);
  return Object.fromEntries(Object.entries(limits!).filter(([name]) => name.startsWith('nvidia.com/')));
};
const sold = async (providerId: string) =>
  Object.fromEntries(
    (await world.row(providerId)).resources
      .filter(({ kind, total }) => kind === 'gpu' && total > 0)
      .map(({ name, total }) => [name, total]),
  );
const end = (...orders: JobOrder[]) =>
  Promise.all(orders.map(({ jobId }) => world.commands.cancel(jobId, 'its owner', 20_000)));

describe('the pod of a job', () => {
  test('a job’s pod asks for the resource of the GPU type that was ordered, and the tenant’s quota has that name', async () => {
    const providerId = await mixed({ [ada]: 2, [ampere]: 2 });
    const wallet = (await world.order({})).wallet;
    const one = await world.running({ providerId, gpuType: 'rtx-4090', gpuCount: 2, wallet });
    const two = await world.running({ providerId, gpuType: 'rtx-3090', wallet });
    expect(await asked(one)).toEqual({ [ada]: '2' });
    expect(await asked(two)).toEqual({ [ampere]: '1' });
    const { items } = await world.kubernetes.core.listNamespacedResourceQuota({ namespace: namespaceOf(wallet) });
    const hard = Object.assign({}, ...items.map(({ spec }) => spec!.hard)) as Record<string, string>;
    const most = String(world.config.MAX_GPUS_PER_WALLET);
    for (const name of [gpuResource, ada, ampere]) expect(hard[`requests.${name}`]).toBe(most);
    await end(one, two);
  });

  test('a job’s pod for a part of a card asks for that part', async () => {
    const model = 'NVIDIA A100-SXM4-40GB MIG 1g.5gb';
    const providerId = await world.joined({
      gpus: { model, count: 7 },
      spec: { gpus: Array.from({ length: 7 }, (_, index) => ({ index, name: model, memory_mb: 5_120 })) },
      gpuResources: { [part]: 7, [gpuResource]: 0 },
    });
    const order = await world.running({ providerId, gpuType: 'mig-1g-5gb', minVramGb: 5, gpuCount: 3 });
    expect(await asked(order)).toEqual({ [part]: '3' });
    expect(await world.job(order)).toMatchObject({ gpuModel: model });
    await end(order);
  });

  test('a job’s pod on a machine whose types the cluster counts together asks for any of its GPUs', async () => {
    const providerId = await mixed({ [gpuResource]: 4 });
    expect(await sold(providerId)).toEqual({ 'rtx-3090': 4 });
    const dearer = await world.order({ providerId, gpuType: 'rtx-4090' });
    expect(await world.commands.startAndWait(dearer, decidedWithinMs)).toMatchObject({
      failure: { reason: 'no_capacity' },
    });
    const order = await world.running({ providerId, gpuType: 'rtx-3090', gpuCount: 3 });
    expect(await asked(order)).toEqual({ [gpuResource]: '3' });
    expect((await world.state(providerId)).waitingFor).toContain('rented out as NVIDIA GeForce RTX 3090');
    await end(order);
  });
});

test('GPU types that the device plugin begins to tell apart are sold apart from then on', async () => {
  const providerId = await mixed({ [gpuResource]: 4 });
  const figures = { [gpuResource]: '0', [ada]: '2', [ampere]: '2' };
  await world.kubernetes.core.patchNodeStatus(
    { name: providerId, body: { status: { capacity: figures, allocatable: figures } } },
    mergePatch,
  );
  await until(async () => (await sold(providerId))['rtx-4090'] === 2);
  expect(await sold(providerId)).toEqual({ 'rtx-3090': 2, 'rtx-4090': 2 });
  expect(await world.row(providerId)).toMatchObject({ gpusReason: '', status: 'available' });
});

describe('lost GPUs of one type', () => {
  test('lost GPUs of one type end the jobs of that type after their grace, and no others', async () => {
    const providerId = await mixed({ [ada]: 2, [ampere]: 2 });
    const [lost, kept] = [
      await world.running({ providerId, gpuType: 'rtx-4090', gpuCount: 2 }),
      await world.running({ providerId, gpuType: 'rtx-3090' }),
    ];
    await world.setNodeGpus(providerId, 1, ada);
    await world.jobBecomes(lost, 'provider_lost');
    expect(await world.job(kept)).toMatchObject({ status: 'running', message: '' });
    expect(await world.row(providerId)).toMatchObject({ status: 'available' });
    expect(await sold(providerId)).toEqual({ 'rtx-3090': 2, 'rtx-4090': 1 });
    // Those of the other type that are lost later are not taken for the same news.
    await world.setNodeGpus(providerId, 0, ampere);
    await world.jobBecomes(kept, 'provider_lost');
  });

  test('lost GPUs of both types end the jobs of both, and jobs whose GPUs come back continue', async () => {
    const providerId = await mixed({ [ada]: 2, [ampere]: 2 });
    const [one, two] = [
      await world.running({ providerId, gpuType: 'rtx-4090', gpuCount: 2 }),
      await world.running({ providerId, gpuType: 'rtx-3090', gpuCount: 2 }),
    ];
    await world.setNodeGpus(providerId, 1, ada);
    await until(async () => (await world.job(one)).message.includes('fewer GPUs'));
    expect((await world.job(two)).message).toBe('');
    await world.setNodeGpus(providerId, 1, ampere);
    await world.setNodeGpus(providerId, 2, ada);
    await world.jobBecomes(two, 'provider_lost');
    expect((await world.job(one)).status).toBe('running');
    await end(one);
  });
});

test('miners ask for the resource with the most GPUs in their machine', async () => {
  const providerId = await mixed({ [ada]: 2, [ampere]: 1 });
  await world.database.pool.query(`update providers set mining_config = $2 where provider_id = $1`, [
    providerId,
    {
      ...{ image: 'docker.io/miners/mio:1', gpuCount: 8, cpuCores: 1, memoryMb: 1_024, extraArgs: [], bootnodes: [] },
      ...{ p2pPort: 0, rpcEnabled: false, rpcPort: 0, publicIp: '', envVars: {} },
    },
  ]);
  expect(await world.activities.syncMining({ providerId })).toEqual({ miners: 2, reason: '' });
  const { spec } = await world.kubernetes.apps.readNamespacedDeployment({
    name: minersName(providerId),
    namespace: miningNamespace,
  });
  expect(spec!.template.spec!.containers[0]!.resources!.limits).toMatchObject({ [ada]: '1' });
  await world.database.pool.query(`update providers set mining_config = null where provider_id = $1`, [providerId]);
  await world.activities.syncMining({ providerId });
});
