import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jobObjectName, type JobOrder } from '../../src/domain/job.js';
import { mergePatch } from '../../src/kubernetes/client.js';
import { labels } from '../../src/kubernetes/names.js';
import { freeGpus } from '../support/free-gpus.js';
import { createFleetWorld, heldNothing, type FleetWorld } from '../support/fleet-world.js';
import { createTraps, type Trap } from '../support/traps.js';
import { decidedWithinMs, until } from '../support/until.js';
import { namespaceOf } from '../support/tenants.js';

type Boundary = readonly [when: Trap['when'], step: string];

let world: FleetWorld;
const traps = createTraps();
beforeAll(async () => {
  world = await createFleetWorld({ PROVIDER_LOSS_GRACE_S: 60, JOB_START_TIMEOUT_S: 30 }, traps.change);
});
afterAll(() => world.close());

const steps = ['placeJob', 'provisionJob', 'recordRunning', 'recordEnding', 'teardownJob', 'releaseJob'];
const boundaries: Boundary[] = steps.flatMap((step) => [['before', step] as const, ['after', step] as const]);

/** Many look at once: not so often that the looking is what takes the time. */
const patiently = { timeoutMs: 60_000, everyMs: 100 };

/** Has a job go its way at each boundary, all of them side by side; the tests look at one each. */
function atEveryBoundary<T>(
  durationSecondsAt: (boundary: Boundary) => number,
  run: (boundary: Boundary, order: JobOrder) => Promise<T>,
): (...boundary: Boundary) => Promise<T> {
  const runs = new Map<string, Promise<T>>();
  beforeAll(() => {
    for (const boundary of boundaries) {
      const outcome = (async () =>
        run(
          boundary,
          await world.order({ providerId: await world.provider(), durationSeconds: durationSecondsAt(boundary) }),
        ))();
      // The test of its boundary hears of it.
      outcome.catch(() => undefined);
      runs.set(boundary.join(), outcome);
    }
  });
  return (...boundary) => runs.get(boundary.join())!;
}

const object = (order: JobOrder) => ({ name: jobObjectName(order.jobId), namespace: namespaceOf(order.wallet) });
const pod = (order: JobOrder) => world.kubernetes.core.readNamespacedPod(object(order));
const podsOf = async (order: JobOrder) => {
  const labelSelector = `${labels.jobId}=${order.jobId}`;
  return (await world.kubernetes.core.listPodForAllNamespaces({ labelSelector })).items;
};
const gpus = async (providerId: string) => (await world.row(providerId)).resources.find(({ kind }) => kind === 'gpu')!;
const cancel = (order: JobOrder) => world.commands.cancel(order.jobId, 'its owner', decidedWithinMs);
const spentBy = async (order: JobOrder) => {
  const { rows } = await world.database.pool.query<{ seconds: number }>(
    `select (c.spent / (10::numeric ^ 18) / j.price_per_hour * 3600)::float8 as seconds
       from auth_charges c join jobs j using (job_id) where job_id = $1`,
    [order.jobId],
  );
  return rows[0]!.seconds;
};

describe('a finished pod', () => {
  test('a finished container gives its GPUs back', async () => {
    const providerId = await world.joined();
    const order = await world.running({ providerId, gpuCount: 8 });
    await finish(order, 'Succeeded', 0, new Date());
    await world.jobBecomes(order, 'completed');
    expect(await gpus(providerId)).toMatchObject({ total: 8, rented: 0 });
    const next = await world.running({ providerId, gpuCount: 8 });
    await cancel(next);
  });
});

describe('a restart of the processes', () => {
  test('a restart of watchers and workers disturbs no running job', async () => {
    const providerId = await world.joined();
    const order = await world.running({ providerId });
    const before = { job: await world.job(order), uid: (await pod(order)).metadata!.uid };
    await world.restart();
    await world.sweep();
    await world.setNodeGpus(providerId, 7);
    await until(async () => (await gpus(providerId)).total === 7);
    expect({ job: await world.job(order), uid: (await pod(order)).metadata!.uid }).toEqual(before);
    await cancel(order);
    expect(await world.heldBy(order)).toEqual(heldNothing);
  });
});

describe('a cancellation at a step boundary', () => {
  /** The steps of a job whose time is over. Before them it has all the time that a cancellation may take. */
  const isOver = (step: string) => ['recordEnding', 'teardownJob', 'releaseJob'].includes(step);
  const secondsAt = ([, step]: Boundary) => (isOver(step) ? 2 : 3_600);
  const ended = atEveryBoundary(secondsAt, async ([when, step], order) => {
    let cancelled: Promise<unknown> | undefined;
    traps.set(order.jobId, {
      ...{ when, step },
      async act() {
        cancelled = cancel(order);
        // The update is with the workflow before the step goes on.
        await sleep(500);
      },
    });
    await world.commands.startAndWait(order, decidedWithinMs);
    await until(() => cancelled !== undefined, { ...patiently, name: 'the step is reached' });
    await cancelled;
    await until(async () => (await world.job(order)).endedAt !== undefined, {
      ...patiently,
      name: 'the job has ended',
    });
    return await world.job(order);
  });

  test.each(boundaries)('a cancellation right %s %s ends the job cleanly', async (when, step) => {
    const job = await ended(when, step);
    expect(job.status).toBe(isOver(step) ? 'expired' : 'cancelled');
    await expectNothingLeft(job);
  });
});

describe('a process that dies at a step boundary', () => {
  /** Long enough for its pod to be seen while it runs. */
  const seconds = 8;
  const lived = atEveryBoundary(
    () => seconds,
    async ([when, step], order) => {
      const uids = new Set<string>();
      const look = async () => {
        for (const { metadata } of await podsOf(order)) uids.add(metadata!.uid!);
      };
      traps.set(order.jobId, {
        ...{ when, step },
        async act() {
          await look();
          throw new Error('the process died here');
        },
      });
      const started = await world.commands.startAndWait(order, decidedWithinMs);
      await look();
      await world.jobBecomes(order, 'expired');
      return { order, started, pods: uids.size, sprung: !traps.has(order.jobId) };
    },
  );

  test.each(boundaries)('a process that dies right %s %s loses nothing and makes nothing twice', async (when, step) => {
    const { order, ...life } = await lived(when, step);
    expect(life).toMatchObject({ started: { status: 'running' }, pods: 1, sprung: true });
    await expectNothingLeft(await world.job(order));
    expect(await spentBy(order)).toBeCloseTo(seconds, 1);
  });
});

describe('a job whose pod is still there', () => {
  test('a job says that it is ending, and holds its GPUs, until Kubernetes has confirmed that the pod is gone', async () => {
    const providerId = await world.joined();
    const order = await world.running({ providerId });
    const finalizers = (list: string[]) =>
      world.kubernetes.core.patchNamespacedPod(
        { ...object(order), body: { metadata: { finalizers: list } } },
        mergePatch,
      );
    await finalizers(['worldland.io/test']);
    expect(await world.commands.cancel(order.jobId, 'its owner', 2_000)).toBe('still_ending');
    await world.jobBecomes(order, 'ending');
    expect((await gpus(providerId)).rented).toBe(1);
    await finalizers([]);
    await world.jobBecomes(order, 'cancelled');
    expect((await gpus(providerId)).rented).toBe(0);
  });
});

describe('a pod that ends under a running job', () => {
  test('a pod that is deleted by force ends its job, and nothing is held', async () => {
    const providerId = await world.joined();
    const order = await world.running({ providerId });
    await world.kubernetes.core.deleteNamespacedPod({ ...object(order), gracePeriodSeconds: 0 });
    await world.jobBecomes(order, 'failed');
    expect(await world.job(order)).toMatchObject({ failure: { reason: 'pod_deleted' } });
    await until(async () => !(await world.heldBy(order)).service);
    expect(await world.heldBy(order)).toEqual(heldNothing);
  });

  test('a job whose pod ends is paid for until that end, however late the broker is told', async () => {
    const providerId = await world.joined();
    const order = await world.running({ providerId });
    await sleep(4_000);
    const { startedAt } = await world.job(order);
    // A kubelet writes times in whole seconds.
    const endedAt = new Date(Math.ceil(startedAt!.getTime() / 1000) * 1000 + 1_000);
    await finish(order, 'Failed', 137, endedAt);
    await world.jobBecomes(order, 'failed');
    expect(await world.job(order)).toMatchObject({
      failure: { reason: 'container_exited', message: expect.stringContaining('137') },
    });
    expect(await spentBy(order)).toBeCloseTo((endedAt.getTime() - startedAt!.getTime()) / 1000, 2);
  });

  test('a job whose node was shut down is lost with its provider, and has not failed', async () => {
    const providerId = await world.joined();
    const order = await world.running({ providerId });
    await finish(order, 'Failed', 143, new Date(), {
      type: 'DisruptionTarget',
      status: 'True',
      reason: 'TerminationByKubelet',
      message: 'Pod was terminated in response to imminent node shutdown.',
    });
    await world.jobBecomes(order, 'provider_lost');
    expect(await world.job(order)).toMatchObject({ failure: { message: expect.stringContaining('node shutdown') } });
  });
});

describe('a job that is stopped while its node is away', () => {
  test('a job that is stopped while its node is away ends without the node, which finds no such pod when it is back', async () => {
    const providerId = await world.joined();
    const order = await world.running({ providerId });
    await world.setNodeReady(providerId, false);
    await world.becomes(providerId, 'offline');
    expect(await cancel(order)).toMatchObject({ status: 'cancelled' });
    expect(await world.heldBy(order)).toEqual(heldNothing);
    await world.setNodeReady(providerId, true);
    await world.becomes(providerId, 'available');
    expect(await podsOf(order)).toEqual([]);
    const next = await world.running({ providerId, gpuCount: 8 });
    await cancel(next);
  });
});

describe('a job through trouble with the network', () => {
  test('a job never has a second pod when the network is unreliable', async () => {
    const providerId = await world.joined();
    const order = await world.running({ providerId });
    const before = (await podsOf(order)).map(({ metadata }) => metadata!.uid);
    await world.setNodeReady(providerId, false);
    await world.becomes(providerId, 'offline');
    await world.restart();
    await world.setNodeReady(providerId, true);
    await world.becomes(providerId, 'available');
    expect((await podsOf(order)).map(({ metadata }) => metadata!.uid)).toEqual(before);
    expect((await world.job(order)).status).toBe('running');
    await cancel(order);
  }, 120_000);
});

describe('availability', () => {
  test('under load availability always equals the total minus what is rented, and never leaves its bounds', async () => {
    const model = 'Rush 9';
    const providerId = await world.joined({ gpus: { model, count: 8 } });
    let over = false;
    const look = async () => {
      const seen = new Set<number>();
      while (!over) {
        const [figures] = await freeGpus(world.database.pool, { gpuType: 'rush-9' });
        expect(figures).toMatchObject({ totalGpus: 8 });
        expect(figures!.availableGpus).toBeGreaterThanOrEqual(0);
        expect(figures!.availableGpus).toBeLessThanOrEqual(8);
        seen.add(figures!.availableGpus);
        await sleep(5);
      }
      return seen.size;
    };
    const looking = look();
    const orders = await Promise.all(Array.from({ length: 24 }, () => world.order({ gpuType: 'rush-9', gpuCount: 2 })));
    await Promise.all(
      orders.map(async (order) => {
        await world.commands.startAndWait(order, decidedWithinMs);
        await cancel(order);
      }),
    );
    over = true;
    expect(await looking).toBeGreaterThan(1);
    expect(await gpus(providerId)).toMatchObject({ total: 8, rented: 0 });
  }, 120_000);
});

async function expectNothingLeft(job: Pick<JobOrder, 'jobId' | 'wallet'> & { providerId?: string }): Promise<void> {
  await until(async () => !(await world.heldBy(job)).service, { ...patiently, name: 'the Service is gone' });
  expect(await world.heldBy(job)).toEqual(heldNothing);
  if (job.providerId !== undefined) expect(await gpus(job.providerId)).toMatchObject({ total: 8, rented: 0 });
}

/** The kubelet says that the pod's container has ended. */
async function finish(order: JobOrder, phase: string, exitCode: number, at: Date, condition?: object): Promise<void> {
  const { status } = await pod(order);
  const [container] = status!.containerStatuses!;
  const ended = { ...container, ready: false, state: { terminated: { exitCode, finishedAt: at, reason: 'Test' } } };
  const conditions = [...(condition === undefined ? [] : [condition]), { type: 'Ready', status: 'False' }];
  const body = { status: { phase, containerStatuses: [ended], conditions } };
  await world.kubernetes.core.patchNamespacedPodStatus({ ...object(order), body }, mergePatch);
}
