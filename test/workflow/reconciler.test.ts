import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { allocate, findAllocation, release } from '../../src/db/allocations.js';
import { findProvider } from '../../src/db/provider-reads.js';
import { jobObjectName, jobWorkflowId, type JobOrder } from '../../src/domain/job.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import type { ReconcilerReport } from '../../workflows/fleet-reconciler.js';
import { testOrder } from '../support/fleet.js';
import { createReconciledWorld, type ReconciledWorld } from '../support/reconciled-world.js';
import { until } from '../support/until.js';
import { createWorld } from '../support/world.js';
import { namespaceOf } from '../support/tenants.js';

let world: ReconciledWorld;
beforeAll(async () => {
  world = await createReconciledWorld();
}, 120_000);
afterAll(() => world?.close());

const workflow = (job: JobOrder) => world.temporal.client.workflow.getHandle(jobWorkflowId(job.jobId));

async function expectNothingHeld(job: JobOrder): Promise<void> {
  expect(await findAllocation(world.database.pool, job.jobId)).toBeUndefined();
  expect(await world.pod(job)).toBeUndefined();
}

describe('a system in which 20 jobs start, run and end', () => {
  test('a system in which 20 jobs start, run and end needs no repair', async () => {
    let over = false;
    const life = async () => {
      const job = await world.order({ durationSeconds: Math.random() < 0.5 ? 3 : 600 });
      await world.start(job);
      await sleep(2_000 + Math.random() * 4_000);
      await world.cancel(job);
      await world.ended(job);
    };
    const jobs = Promise.all(Array.from({ length: 20 }, life)).finally(() => (over = true));
    const found: ReconcilerReport[] = [];
    while (!over || found.length < 3) found.push(await world.reconcile());
    await jobs;
    found.push(await world.reconcile());
    for (const { repairs, failures } of found) expect({ repairs, failures }).toEqual({ repairs: {}, failures: [] });
  }, 180_000);
});

describe('a job', () => {
  test('a job whose workflow was never started gets it started', async () => {
    const job = await world.order();
    await world.grownOld();
    expect(await world.repairs()).toEqual({ job_not_started: 1 });
    await world.runs(job);
    expect(await world.repairs()).toEqual({});
    await world.cancel(job);
  });

  test('a job that could not be started in the time a start may take is closed, and costs nothing', async () => {
    const job = await world.order();
    await world.database.pool.query(`update jobs set created_at = now() - interval '1 hour' where job_id = $1`, [
      job.jobId,
    ]);
    expect(await world.repairs()).toEqual({ job_abandoned: 1 });
    expect(await world.job(job)).toMatchObject({ status: 'failed', failure: { reason: 'internal_error' } });
    expect(await spent(job)).toBe('0');
  });

  test('a job whose workflow an operator terminated is torn down and released, and paid until then', async () => {
    const job = await world.order({ gpuCount: 2 });
    await world.start(job);
    await workflow(job).terminate('by an operator');
    await world.grownOld();
    expect(await world.repairs()).toEqual({ job_abandoned: 1 });
    expect(await world.job(job)).toMatchObject({
      status: 'failed',
      failure: { reason: 'internal_error', message: expect.stringContaining('terminated') },
    });
    await expectNothingHeld(job);
    const { closeTime } = await workflow(job).describe();
    const { startedAt, pricePerHour } = await world.job(job);
    const seconds = (closeTime!.getTime() - startedAt!.getTime()) / 1000;
    expect(Number(await spent(job)) / 1e18).toBeCloseTo((seconds * pricePerHour!) / 3_600, 6);
    expect(await world.repairs()).toEqual({});
  });

  test('a running job whose workflow is lost in Temporal goes on in the same pod', async () => {
    const job = await world.order();
    await world.start(job);
    const before = (await world.pod(job))!.metadata!.uid;
    const { expiresAt } = await world.job(job);
    const { client } = world.temporal;
    await client.workflowService.deleteWorkflowExecution({
      namespace: client.options.namespace,
      workflowExecution: { workflowId: jobWorkflowId(job.jobId) },
    });
    await until(
      () =>
        workflow(job)
          .describe()
          .then(
            () => false,
            () => true,
          ),
      { name: 'the workflow is deleted' },
    );
    await world.grownOld();
    expect(await world.repairs()).toEqual({ job_without_workflow: 1 });
    expect((await world.pod(job))!.metadata!.uid).toBe(before);
    const { expiresAt: later } = await world.commands.extend(job.jobId, 'after the loss', 60);
    expect(Date.parse(later)).toBe(expiresAt!.getTime() + 60_000);
    expect(await world.cancel(job)).toMatchObject({ status: 'cancelled' });
    await expectNothingHeld(job);
  });

  const spent = async (job: JobOrder) =>
    (
      await world.database.pool.query<{ spent: string }>(
        'select coalesce(sum(spent), 0)::text as spent from auth_charges where job_id = $1',
        [job.jobId],
      )
    ).rows[0]!.spent;
});

describe('allocations without a job', () => {
  const rented = async () =>
    (await findProvider(world.database.pool, world.providerId))!.resources.find(({ kind }) => kind === 'gpu')!.rented;
  const place = () => ({
    providerId: world.providerId,
    nodeName: world.providerId,
    gpuType: 'reconciled',
    gpuModel: 'Reconciled',
    pricePerHour: 1,
  });

  test('capacity held by a job that was never ordered is given back', async () => {
    const job = testOrder({ gpuCount: 3 });
    const before = await rented();
    expect(await allocate(world.database.pool, job, place())).toBe('allocated');
    expect(await world.repairs()).toEqual({ allocation_leaked: 1 });
    expect(await rented()).toBe(before);
  });

  test('capacity held by a job that is over is given back', async () => {
    const job = await world.order();
    await world.start(job);
    await world.database.pool.query(`update jobs set status = 'failed', ended_at = now() where job_id = $1`, [
      job.jobId,
    ]);
    expect(await world.repairs()).toMatchObject({ allocation_leaked: 1 });
    expect(await findAllocation(world.database.pool, job.jobId)).toBeUndefined();
    await world.cancel(job);
  });

  test('counters are set to what is held, upwards and downwards', async () => {
    const job = testOrder({ gpuCount: 3 });
    await allocate(world.database.pool, job, place());
    await world.database.pool.query(
      // Ordered later than any run of this test, so that its want of a workflow is none of its business.
      `insert into jobs (job_id, wallet, request_sha256, image, gpu_count, cpu_cores, memory_mb, storage_gb, duration_s, created_at)
       values ($1, $2, '', '', 3, 1, 1, 1, 1, now() + interval '1 hour')`,
      [job.jobId, job.wallet],
    );
    const before = await rented();
    for (const wrong of [before + 5, 0]) {
      await world.database.pool.query(
        `update provider_resources set rented = $2, total = greatest(target, $2) where provider_id = $1 and kind = 'gpu'`,
        [world.providerId, wrong],
      );
      expect(await world.repairs()).toEqual({ rented_differs: 1 });
      expect(await rented()).toBe(before);
    }
    await release(world.database.pool, job.jobId);
    await world.database.pool.query('delete from jobs where job_id = $1', [job.jobId]);
  });
});

describe('a running job', () => {
  test('a running job whose pod is gone ends although no watcher reported it', async () => {
    const job = await world.order();
    await world.start(job);
    await world.stopWatcher();
    await world.kubernetes.core.deleteNamespacedPod({
      name: jobObjectName(job.jobId),
      namespace: namespaceOf(job.wallet),
      gracePeriodSeconds: 0,
    });
    await world.grownOld();
    expect((await world.job(job)).status).toBe('running');
    expect(await world.repairs()).toEqual({ job_without_pod: 1 });
    await world.ended(job);
    expect(await world.job(job)).toMatchObject({ status: 'failed', failure: { reason: 'pod_deleted' } });
    await expectNothingHeld(job);
  });
});

test('a comparison that fails is reported, and does not keep the others from being made', async () => {
  const without = await createWorld({}, () => ({
    comparePods: () => Promise.reject(new Error('the cluster is away')),
  }));
  try {
    const provider = await without.provider();
    const place = { providerId: provider, nodeName: provider, pricePerHour: 1 };
    await allocate(without.database.pool, testOrder({ gpuCount: 0 }), place);
    const { repairs, failures } = (await without.temporal.client.workflow.execute(workflowTypes.fleetReconciler, {
      workflowId: 'reconciler',
      taskQueue: without.config.TEMPORAL_TASK_QUEUE,
    })) as ReconcilerReport;
    expect(failures).toEqual(['pods: the cluster is away']);
    expect(repairs).toMatchObject({ provider_without_workflow: 1, allocation_leaked: 1 });
  } finally {
    await without.close();
  }
});
