import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jobReplyOf } from '../../src/api/schemas/job.js';
import { findAllocation } from '../../src/db/allocations.js';
import { jobFailureFacts } from '../../src/db/job-failures.js';
import { findJob } from '../../src/db/jobs.js';
import { findProvider } from '../../src/db/provider-reads.js';
import { jobObjectName, jobWorkflowId, type JobOrder } from '../../src/domain/job.js';
import { pullErrorKind } from '../../src/domain/pull-errors.js';
import { unlessNotFound } from '../../src/kubernetes/client.js';
import type { JobState } from '../../workflows/job-messages.js';
import { timeline } from '../support/timeline.js';
import { decidedWithinMs, until } from '../support/until.js';
import { createWorld, type World } from '../support/world.js';
import { namespaceOf } from '../support/tenants.js';

let world: World;
beforeAll(async () => {
  world = await createWorld({ JOB_STUCK_GRACE_S: 1, JOB_START_TIMEOUT_S: 30 });
});
afterAll(() => world.close());

const pod = (order: JobOrder) =>
  unlessNotFound(
    world.kubernetes.core.readNamespacedPod({
      name: jobObjectName(order.jobId),
      namespace: namespaceOf(order.wallet),
    }),
  );
const service = (order: JobOrder) =>
  unlessNotFound(
    world.kubernetes.core.readNamespacedService({
      name: jobObjectName(order.jobId),
      namespace: namespaceOf(order.wallet),
    }),
  );
const secret = (order: JobOrder) =>
  unlessNotFound(
    world.kubernetes.core.readNamespacedSecret({
      name: jobObjectName(order.jobId),
      namespace: namespaceOf(order.wallet),
    }),
  );

/** Starts a job and waits until it runs or has ended without. */
async function start(order: JobOrder): Promise<JobState> {
  const state = await world.commands.startAndWait(order, decidedWithinMs);
  if (state === 'still_starting') throw new Error('still starting');
  return state;
}

/** What must hold once a job is over, however it ended. */
async function expectNothingHeld(order: JobOrder): Promise<void> {
  const job = await world.job(order);
  expect(job.endedAt).toBeInstanceOf(Date);
  expect(await findAllocation(world.database.pool, order.jobId)).toBeUndefined();
  expect(await pod(order)).toBeUndefined();
  expect(await until(async () => (await service(order)) === undefined)).toBe(true);
  expect(await secret(order)).toBeUndefined();
  if (job.providerId !== undefined) {
    const provider = await findProvider(world.database.pool, job.providerId);
    expect(provider!.resources.every(({ rented }) => rented === 0)).toBe(true);
  }
}

const ended = (order: JobOrder, status: string) =>
  until(async () => (await world.job(order)).status === status, { timeoutMs: 30_000, name: `job is ${status}` });

describe('a job', () => {
  test('a job runs on the provider of its placement and can be reached, and leaves nothing when it is cancelled', async () => {
    const providerId = await world.provider();
    const order = await world.order({ providerId, gpuCount: 2 });
    const state = await start(order);
    expect(state).toMatchObject({ status: 'running', ssh: { user: 'root', host: '198.18.0.1' } });
    const running = (await pod(order))!;
    expect(running.spec?.nodeName).toBe(providerId);
    expect((await service(order))!.spec?.ports?.[0]?.nodePort).toBe(state.ssh!.port);
    expect(await world.job(order)).toMatchObject({ status: 'running', ssh: { port: state.ssh!.port }, providerId });

    expect(await world.commands.cancel(order.jobId, 'its owner', decidedWithinMs)).toMatchObject({
      status: 'cancelled',
    });
    expect(await world.job(order)).toMatchObject({ status: 'cancelled', message: 'an operator ended it' });
    await expectNothingHeld(order);
  });

  test('a job ends when its time is over', async () => {
    const order = await world.order({ providerId: await world.provider(), durationSeconds: 2 });
    await start(order);
    await ended(order, 'expired');
    await expectNothingHeld(order);
  });

  test('a job is extended once for each request id', async () => {
    const order = await world.order({ providerId: await world.provider(), durationSeconds: 10 });
    const before = await start(order);
    const first = await world.commands.extend(order.jobId, 'one', 3_600);
    expect(Date.parse(first.expiresAt) - Date.parse(before.expiresAt!)).toBe(3_600_000);
    expect(await world.commands.extend(order.jobId, 'one', 3_600)).toEqual(first);
    expect((await world.job(order)).expiresAt!.toISOString()).toBe(first.expiresAt);
    await until(() => Date.now() > Date.parse(before.expiresAt!) + 1_000, {
      name: 'the time that was ordered is over',
    });
    expect((await world.job(order)).status).toBe('running');
    await world.commands.cancel(order.jobId, 'its owner', decidedWithinMs);
    await expect(world.commands.extend(order.jobId, 'two', 60)).rejects.toMatchObject({ code: 'job_ended' });
  });

  test('a job is not extended beyond the maximum duration', async () => {
    const order = await world.order({ providerId: await world.provider() });
    await start(order);
    await expect(world.commands.extend(order.jobId, 'long', 365 * 86_400)).rejects.toMatchObject({
      code: 'duration_limit',
    });
    await world.commands.cancel(order.jobId, 'its owner', decidedWithinMs);
  });

  test('a job that is started, awaited, extended once and cancelled has at most 60 events of history', async () => {
    const order = await world.order({ providerId: await world.provider() });
    await start(order);
    await world.commands.extend(order.jobId, 'one', 60);
    await world.commands.cancel(order.jobId, 'its owner', decidedWithinMs);
    const handle = world.temporal.client.workflow.getHandle(jobWorkflowId(order.jobId));
    await handle.result();
    const events = await timeline(handle);
    if (events.length > 60) throw new Error(`${events.length} events:\n${events.join('\n')}`);
  });

  test('a job is placed at the cheapest provider that fits', async () => {
    const gpus = { model: 'Unique 1', count: 2 };
    await world.provider({ gpus, gpuPrice: 3 });
    const cheap = await world.provider({ gpus, gpuPrice: 2 });
    const order = await world.order({ gpuType: 'unique-1', gpuCount: 2 });
    expect(await start(order)).toMatchObject({ status: 'running', placement: { providerId: cheap } });
    await world.commands.cancel(order.jobId, 'its owner', decidedWithinMs);
  });
});

describe('a job that does not start', () => {
  test('a job without capacity fails with that reason', async () => {
    const order = await world.order({ providerId: await world.provider(), gpuCount: 9 });
    expect(await start(order)).toMatchObject({ status: 'failed', failure: { reason: 'no_capacity' } });
    await expectNothingHeld(order);
  });

  test('a job whose image cannot be pulled fails with that reason', async () => {
    const order = await world.order({
      providerId: await world.provider(),
      image: 'docker.io/library/does-not-exist:1',
    });
    expect(await start(order)).toMatchObject({ status: 'failed', failure: { reason: 'image_pull_failed' } });
    await expectNothingHeld(order);
  });

  test('a job whose image cannot be pulled tells its customer the kind of problem, and operators what the kubelet said', async () => {
    const order = await world.order({
      providerId: await world.provider(),
      image: 'docker.io/library/does-not-exist:1',
    });
    await start(order);
    const failed = (await jobFailureFacts(world.database.pool, order.jobId))!.failure!;
    expect(failed.message).toBe(`${order.image}: ${pullErrorKind(failed.words)}`);
    expect(failed.words).toContain(order.image);
    expect(failed.words).not.toBe(failed.message);
    const row = await findJob(world.database.pool, order.wallet, order.jobId);
    expect(JSON.stringify(jobReplyOf(row!))).not.toContain(failed.words);
  });

  test('a job that the cluster cannot schedule fails with that reason', async () => {
    const providerId = await world.provider();
    // The cluster counts fewer GPUs than the ledger believes: the scheduler is the second lock.
    await world.kubernetes.core.patchNode({
      name: providerId,
      body: [{ op: 'add', path: '/spec/unschedulable', value: true }],
    });
    const order = await world.order({ providerId });
    expect(await start(order)).toMatchObject({ status: 'failed', failure: { reason: 'unschedulable' } });
    await expectNothingHeld(order);
  });

  test('a job whose container exits at once fails with that reason', async () => {
    const order = await world.order({ providerId: await world.provider(), image: 'docker.io/library/exits-at-once:1' });
    await world.commands.startAndWait(order, decidedWithinMs);
    await ended(order, 'failed');
    expect(await world.job(order)).toMatchObject({ failure: { reason: 'container_exited' } });
    await expectNothingHeld(order);
  });
});

describe('a running job', () => {
  test('a running job whose pod is deleted by hand ends and frees its GPUs', async () => {
    const order = await world.order({ providerId: await world.provider() });
    await start(order);
    await world.kubernetes.core.deleteNamespacedPod({
      name: jobObjectName(order.jobId),
      namespace: namespaceOf(order.wallet),
      gracePeriodSeconds: 0,
    });
    await ended(order, 'failed');
    expect(await world.job(order)).toMatchObject({ failure: { reason: 'pod_deleted' } });
    await expectNothingHeld(order);
  });
});

test('of 50 orders at once for 8 GPUs, 8 run and 42 are told that there is no capacity', async () => {
  const gpus = { model: 'Unique 50', count: 8 };
  await world.provider({ gpus });
  const orders = await Promise.all(Array.from({ length: 50 }, () => world.order({ gpuType: 'unique-50' })));
  const states = await Promise.all(orders.map((order) => start(order)));
  expect(states.filter(({ status }) => status === 'running')).toHaveLength(8);
  expect(states.filter(({ failure }) => failure?.reason === 'no_capacity')).toHaveLength(42);
  await Promise.all(orders.map((order) => world.commands.cancel(order.jobId, 'its owner', decidedWithinMs)));
  for (const order of orders) expect(await findAllocation(world.database.pool, order.jobId)).toBeUndefined();
}, 120_000);
