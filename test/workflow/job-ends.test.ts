import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jobReplyOf } from '../../src/api/schemas/job.js';
import { jobWorkflowId, type JobOrder } from '../../src/domain/job.js';
import { mergePatch } from '../../src/kubernetes/client.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import { createFleetWorld, type FleetWorld } from '../support/fleet-world.js';
import { jobEndings, podOf } from '../support/job-endings.js';
import { decidedWithinMs, until } from '../support/until.js';

let world: FleetWorld;
beforeAll(async () => {
  world = await createFleetWorld({ PROVIDER_LOSS_GRACE_S: 8, JOB_STUCK_GRACE_S: 1, JOB_START_TIMEOUT_S: 30 });
});
afterAll(() => world.close());

const { cancel, kubeletSays, over } = jobEndings(() => world);

/** A status of the pod whose container is over; `null` as the API server writes it. */
const terminated = (ended: object, pod: object = {}) => ({
  phase: 'Failed',
  containerStatuses: [
    { name: 'job', image: 'x', imageID: '', ready: false, restartCount: 0, state: { terminated: ended } },
  ],
  ...pod,
});

describe('a pod’s end as a kubelet reports it', () => {
  const ownDisk = 'Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ';
  const ends: Record<string, { status: object; job: object; suggestion?: string }> = {
    'a termination message with a NUL byte': {
      status: terminated({ exitCode: 131, reason: 'Error', message: 'core\0dumped \u001b[2J\u202e' }),
      job: {
        status: 'failed',
        failure: { reason: 'container_exited', message: expect.stringContaining('coredumped') },
      },
    },
    'a container that could not be located, without any time': {
      status: terminated(
        {
          exitCode: 137,
          reason: 'ContainerStatusUnknown',
          message: 'The container could not be located when the pod was terminated',
          startedAt: null,
          finishedAt: null,
        },
        { reason: 'Evicted', message: ownDisk },
      ),
      job: { status: 'failed', failure: { reason: 'storage_exceeded' } },
      suggestion: 'increase_storage',
    },
    'an eviction for its disk, and exit code 0': {
      status: terminated(
        { exitCode: 0, reason: 'Completed', finishedAt: new Date() },
        { phase: 'Succeeded', reason: 'Evicted', message: ownDisk },
      ),
      job: { status: 'failed', failure: { reason: 'storage_exceeded' } },
      suggestion: 'increase_storage',
    },
    'that it rejected the pod': {
      status: {
        phase: 'Failed',
        reason: 'UnexpectedAdmissionError',
        message: 'no healthy devices',
        containerStatuses: [],
      },
      job: { status: 'provider_lost', failure: { reason: 'provider_lost' } },
    },
    'an end in 1970': {
      status: terminated({ exitCode: 1, finishedAt: new Date(0) }),
      job: { status: 'failed', failure: { reason: 'container_exited' } },
    },
    'an end in the next century': {
      status: terminated({ exitCode: 1, finishedAt: new Date(Date.UTC(2126, 0, 1)) }),
      job: { status: 'failed', failure: { reason: 'container_exited' } },
    },
    'the end of another container only': {
      status: {
        phase: 'Failed',
        containerStatuses: [],
        initContainerStatuses: [
          {
            ...{ name: 'ssh-server', image: 'x', imageID: '', ready: true, restartCount: 0 },
            state: { terminated: { exitCode: 0, finishedAt: new Date(Date.now() - 3_600_000) } },
          },
        ],
      },
      job: { status: 'failed', failure: { reason: 'container_exited' } },
    },
    'that it ran out of memory and exited with 0': {
      status: terminated({ exitCode: 0, reason: 'OOMKilled' }, { phase: 'Succeeded' }),
      job: { status: 'failed', failure: { reason: 'container_exited' } },
      suggestion: 'increase_memory',
    },
    'an exit with 137 and no reason': {
      status: terminated({ exitCode: 137, reason: 'Error', message: 'OOMKilled, says who wrote this' }),
      job: { status: 'failed', failure: { reason: 'container_exited' } },
    },
  };
  const outcomes = new Map<string, Promise<{ saidMs: number; overMs: number; order: JobOrder }>>();

  // All of them side by side: each waits for most of its time.
  beforeAll(async () => {
    const providerId = await world.joined({ gpus: { model: 'Many 1', count: 16 } });
    for (const [name, { status }] of Object.entries(ends)) {
      const outcome = (async () => {
        const order = await world.running({ providerId });
        await sleep(1_500);
        const saidMs = Date.now();
        await kubeletSays(order, status);
        const isOver = async () => (await world.job(order)).endedAt !== undefined;
        await until(isOver, { everyMs: 100, name: 'the job is over' });
        return { saidMs, overMs: Date.now(), order };
      })();
      outcome.catch(() => undefined);
      outcomes.set(name, outcome);
    }
  });

  test.each(Object.keys(ends))(
    'a job ends, holds nothing and is paid for while it was served when the kubelet reports: %s',
    async (name) => {
      const { saidMs, overMs, order } = await outcomes.get(name)!;
      const { job, billedMs, startedAt } = await over(order);
      expect(job).toMatchObject(ends[name]!.job);
      expect(jobReplyOf(job).suggestion?.action).toBe(ends[name]!.suggestion);
      // A kubelet's whole second at the beginning, and what the watcher takes to tell at the end.
      const servedMs = saidMs - startedAt.getTime();
      expect(billedMs).toBeGreaterThan(servedMs - 1_100);
      expect(billedMs).toBeLessThanOrEqual(overMs - startedAt.getTime());
    },
  );
});

test('a container that cannot be created fails its job like an image that cannot be pulled', async () => {
  const order = await world.order({ providerId: await world.joined(), image: 'docker.io/library/cannot-start:1' });
  expect(await world.commands.startAndWait(order, decidedWithinMs)).toMatchObject({
    status: 'failed',
    failure: { reason: 'container_not_created', message: expect.stringContaining('cgroup') },
  });
});

describe('a pod that ended before anybody was told', () => {
  test.each([
    ['the customer cancels', 'cancelled'],
    ['the time is over', 'expired'],
  ])('a job whose pod ended unnoticed is paid for until that end when %s', async (_what, status) => {
    const deaf = await createFleetWorld({ PROVIDER_LOSS_GRACE_S: 60 });
    try {
      await deaf.stopWatcher();
      const order = await deaf.order({
        providerId: await deaf.provider(),
        durationSeconds: status === 'expired' ? 8 : 600,
      });
      expect(await deaf.commands.startAndWait(order, decidedWithinMs)).toMatchObject({ status: 'running' });
      await sleep(2_500);
      const { startedAt } = await deaf.job(order);
      const endedAt = new Date(Math.ceil(startedAt!.getTime() / 1000) * 1000 + 1_000);
      await deaf.kubernetes.core.patchNamespacedPodStatus(
        {
          ...podOf(order),
          body: { status: terminated({ exitCode: 0, finishedAt: endedAt }, { phase: 'Succeeded' }) },
        },
        mergePatch,
      );
      if (status === 'expired') await deaf.jobBecomes(order, 'expired');
      else await deaf.commands.cancel(order.jobId, 'its owner', 60_000);
      const { rows } = await deaf.database.pool.query<{ status: string; served_until: Date }>(
        'select status, served_until from jobs where job_id = $1',
        [order.jobId],
      );
      expect(rows).toEqual([{ status, served_until: endedAt }]);
    } finally {
      await deaf.close();
    }
  });
});

test('an extension counts once even when its job continues in a new workflow', async () => {
  const order = await world.running({ providerId: await world.joined() });
  const { expiresAt } = await world.commands.extend(order.jobId, 'once', 600);
  const { client } = world.temporal;
  const handle = client.workflow.getHandle(jobWorkflowId(order.jobId));
  await client.workflowService.deleteWorkflowExecution({
    namespace: client.options.namespace,
    workflowExecution: { workflowId: handle.workflowId },
  });
  await until(
    () =>
      handle.describe().then(
        () => false,
        () => true,
      ),
    { timeoutMs: 60_000, name: 'the workflow is lost' },
  );
  await world.database.pool.query(`update jobs set created_at = now() - interval '1 hour' where job_id = $1`, [
    order.jobId,
  ]);
  const reconcile = { workflowId: `reconcile-${order.jobId}`, taskQueue: world.config.TEMPORAL_TASK_QUEUE };
  await client.workflow.execute(workflowTypes.fleetReconciler, reconcile);
  expect(await world.commands.extend(order.jobId, 'once', 600)).toEqual({ expiresAt });
  await expect(world.commands.extend(order.jobId, 'once', 1_200)).rejects.toMatchObject({
    code: 'idempotency_conflict',
  });
  expect((await world.job(order)).expiresAt!.toISOString()).toBe(expiresAt);
  await cancel(order);
});
