import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { movesOf } from '../../src/db/allocations.js';
import { mergePatch, unlessNotFound } from '../../src/kubernetes/client.js';
import type { JobOrder } from '../../src/domain/job.js';
import type { JobState } from '../../workflows/job-messages.js';
import { createFleetWorld, type FleetWorld } from '../support/fleet-world.js';
import { podOf } from '../support/job-endings.js';
import { decidedWithinMs, until } from '../support/until.js';

/** Longer than two jobs take to start on a busy machine. */
const outS = 25;
let world: FleetWorld;
beforeAll(async () => {
  world = await createFleetWorld({ JOB_STUCK_GRACE_S: 1, JOB_START_TIMEOUT_S: 45, PROVIDER_OUT_S: outS });
});
const kubelets: NodeJS.Timeout[] = [];
afterAll(async () => {
  for (const timer of kubelets) clearInterval(timer);
  await world.close();
});

/** Two machines of a type of their own; the first one is the cheaper. */
async function twoMachines() {
  const model = `Type ${randomUUID().slice(0, 8)}`;
  const gpus = { model, count: 8 };
  const cheap = await world.joined({ gpus, gpuPrice: 0.25 });
  const healthy = await world.joined({ gpus, gpuPrice: 0.5 });
  return { cheap, healthy, gpuType: model.toLowerCase().replace(' ', '-') };
}

const taint = { key: 'example.com/broken', value: 'true', effect: 'NoSchedule' };
async function breakIt(providerId: string): Promise<void> {
  const taints = (await world.node(providerId))!.spec!.taints ?? [];
  await patchTaints(providerId, [...taints, taint]);
}
async function mend(providerId: string): Promise<void> {
  const taints = (await world.node(providerId))!.spec!.taints ?? [];
  await patchTaints(
    providerId,
    taints.filter(({ key }) => key !== taint.key),
  );
}
const patchTaints = (name: string, taints: object[]) =>
  world.kubernetes.core.patchNode({ name, body: { spec: { taints } } }, mergePatch);

async function start(order: JobOrder): Promise<JobState> {
  const state = await world.commands.startAndWait(order, decidedWithinMs);
  if (state === 'still_starting') throw new Error('still starting');
  return state;
}
const failures = async (providerId: string) =>
  (
    await world.database.pool.query<{ wallet: string; reason: string }>(
      'select wallet, reason from provider_failures where provider_id = $1',
      [providerId],
    )
  ).rows;

/** From here on its kubelet takes pods, gives them no network, and lets them go when they are deleted. */
async function playWithoutNetwork(providerId: string): Promise<void> {
  const { core } = world.kubernetes;
  await core.patchNode({ name: providerId, body: { metadata: { labels: { type: null } } } }, mergePatch);
  const noNetwork = { type: 'PodReadyToStartContainers', status: 'False', lastTransitionTime: new Date() };
  const look = async () => {
    const { items } = await core.listPodForAllNamespaces({ fieldSelector: `spec.nodeName=${providerId}` });
    for (const { metadata, status } of items) {
      const pod = { name: metadata!.name!, namespace: metadata!.namespace! };
      if (metadata!.deletionTimestamp) await core.deleteNamespacedPod({ ...pod, gracePeriodSeconds: 0 });
      else if (!status?.startTime) {
        const seen = { startTime: new Date(), conditions: [...(status?.conditions ?? []), noNetwork] };
        await core.patchNamespacedPodStatus({ ...pod, body: { status: seen } }, mergePatch);
      }
    }
  };
  kubelets.push(setInterval(() => void look().catch(() => undefined), 200));
}

describe('a broken machine that is the cheapest', () => {
  test('a broken machine that is the cheapest fails none of three orders, is out with its reason, and comes back once it is mended', async () => {
    const { cheap, healthy, gpuType } = await twoMachines();
    await breakIt(cheap);
    for (let count = 1; count <= 3; count++) {
      const order = await world.order({ gpuType });
      expect(await start(order)).toMatchObject({ status: 'running', placement: { providerId: healthy } });
      expect(await movesOf(world.database.pool, order.jobId)).toEqual({ attempt: 2, failedAt: [cheap] });
    }
    const { outUntil, outReason } = await world.row(cheap);
    expect(outReason).toBe('unschedulable');
    expect(outUntil!.getTime() - Date.now()).toBeLessThanOrEqual(outS * 1000);
    await until(async () => /failed to start jobs .*\(unschedulable\)/.test((await world.state(cheap)).waitingFor), {
      name: 'its workflow shows that it is out',
    });
    // Nobody asks it meanwhile.
    const direct = await world.order({ gpuType });
    expect(await start(direct)).toMatchObject({ status: 'running', placement: { providerId: healthy } });
    expect(await movesOf(world.database.pool, direct.jobId)).toMatchObject({ attempt: 1 });

    await mend(cheap);
    await until(async () => (await world.state(cheap)).waitingFor === 'nothing; it is in service', {
      timeoutMs: 60_000,
      name: 'its workflow shows that it is back',
    });
    const order = await world.order({ gpuType });
    expect(await start(order)).toMatchObject({ status: 'running', placement: { providerId: cheap } });
    expect(await world.row(cheap)).not.toHaveProperty('outUntil');
  }, 180_000);

  test('a broken machine that only stays silent is left in time for the order to run elsewhere', async () => {
    const { cheap, healthy, gpuType } = await twoMachines();
    await playWithoutNetwork(cheap);
    const order = await world.order({ gpuType });
    expect(await start(order)).toMatchObject({ status: 'running', placement: { providerId: healthy } });
    expect(await failures(cheap)).toMatchObject([{ wallet: order.wallet, reason: 'start_timeout' }]);
  }, 120_000);
});

describe('failures that customers can cause', () => {
  test('a full disk is not held against a machine', async () => {
    const { cheap, healthy, gpuType } = await twoMachines();
    const others = (await world.node(cheap))!.status!.conditions!.filter(({ type }) => type !== 'DiskPressure');
    const pressure = { type: 'DiskPressure', status: 'True', reason: 'Test', lastTransitionTime: new Date() };
    const body = { status: { conditions: [...others, pressure] } };
    await world.kubernetes.core.patchNodeStatus({ name: cheap, body }, mergePatch);
    await until(async () => (await world.node(cheap))?.spec?.taints?.some(({ key }) => key.endsWith('disk-pressure')), {
      name: 'the control plane taints the node',
    });
    for (let count = 1; count <= 3; count++) {
      const order = await world.order({ gpuType });
      expect(await start(order)).toMatchObject({ status: 'running', placement: { providerId: healthy } });
    }
    expect(await failures(cheap)).toEqual([]);
    expect(await world.row(cheap)).not.toHaveProperty('outUntil');
  }, 120_000);

  test.each(['docker.io/evil/cannot-start:1', 'docker.io/evil/does-not-exist:1', 'docker.io/evil/exits-at-once:1'])(
    'a failure of the image %s is not held against a machine',
    async (image) => {
      const { cheap, gpuType } = await twoMachines();
      for (let count = 1; count <= 3; count++) {
        const order = await world.order({ gpuType, image, providerId: cheap });
        await start(order);
        await until(async () => (await world.job(order)).endedAt !== undefined, { name: 'the job is over' });
      }
      expect(await failures(cheap)).toEqual([]);
    },
    120_000,
  );

  test('cancellations of stuck jobs are not held against a machine', async () => {
    // One that leaves the customer time to cancel before the job fails.
    const patient = await createFleetWorld({ JOB_STUCK_GRACE_S: 300, JOB_START_TIMEOUT_S: 300 });
    try {
      const providerId = await patient.joined();
      const { core } = patient.kubernetes;
      const taints = [...((await patient.node(providerId))!.spec!.taints ?? []), taint];
      await core.patchNode({ name: providerId, body: { spec: { taints } } }, mergePatch);
      for (let count = 1; count <= 3; count++) {
        const order = await patient.order({ providerId });
        const starting = patient.commands.startAndWait(order, decidedWithinMs);
        const isStuck = async () => {
          const { status } = (await unlessNotFound(core.readNamespacedPod(podOf(order)))) ?? {};
          return status?.conditions?.some(({ reason }) => reason === 'Unschedulable') ?? false;
        };
        await until(isStuck, { name: 'the pod finds no place' });
        await patient.commands.cancel(order.jobId, 'its owner', 30_000);
        await starting;
      }
      const { rows } = await patient.database.pool.query('select from provider_failures');
      expect(rows).toEqual([]);
    } finally {
      await patient.close();
    }
  }, 120_000);
});
