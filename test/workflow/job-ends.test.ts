import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jobReplyOf } from '../../src/api/schemas/job.js';
import { gapsOf } from '../../src/db/job-gaps.js';
import { billedTime, chargeFor } from '../../src/domain/billing.js';
import { jobObjectName, jobWorkflowId, type JobOrder } from '../../src/domain/job.js';
import { mergePatch } from '../../src/kubernetes/client.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import { createFleetWorld, heldNothing, type FleetWorld } from '../support/fleet-world.js';
import { decidedWithinMs, until } from '../support/until.js';
import { namespaceOf } from '../support/tenants.js';

let world: FleetWorld;
/** What happens before jobs are told that a machine was replaced by another one. */
let beforeFinalNews = async (): Promise<void> => undefined;
beforeAll(async () => {
  world = await createFleetWorld(
    { PROVIDER_LOSS_GRACE_S: 8, JOB_STUCK_GRACE_S: 1, JOB_START_TIMEOUT_S: 30 },
    ({ tellJobs }) => ({
      async tellJobs(news) {
        if (news.final === true) await beforeFinalNews();
        return await tellJobs(news);
      },
    }),
  );
});
afterAll(() => world.close());

/** What holds back whoever waits for it until a test opens it. */
function gate() {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

const object = (order: JobOrder) => ({ name: jobObjectName(order.jobId), namespace: namespaceOf(order.wallet) });
const cancel = (order: JobOrder) => world.commands.cancel(order.jobId, 'its owner', 30_000);

/** The kubelet of the job's machine says so. */
async function kubeletSays(order: JobOrder, status: object): Promise<void> {
  await world.kubernetes.core.patchNamespacedPodStatus({ ...object(order), body: { status } }, mergePatch);
}

/** A status of the pod whose container is over; `null` as the API server writes it. */
const terminated = (ended: object, pod: object = {}) => ({
  phase: 'Failed',
  containerStatuses: [
    { name: 'job', image: 'x', imageID: '', ready: false, restartCount: 0, state: { terminated: ended } },
  ],
  ...pod,
});

/** What the ledger says of a job that is over. */
async function bill(order: JobOrder) {
  const { rows } = await world.database.pool.query<{
    rate: string;
    billed_ms: number;
    served_until: Date;
    spent: string;
    reserved: string;
    settlements: number;
  }>(
    `select coalesce(j.rate, trunc(j.price_per_hour * 10::numeric ^ 18))::text as rate, j.billed_ms, j.served_until,
            sum(c.spent)::text as spent, sum(c.reserved)::text as reserved, count(c.settled_at)::int as settlements
       from jobs j join auth_charges c using (job_id) where job_id = $1 group by j.job_id`,
    [order.jobId],
  );
  const { rate, billed_ms, served_until, spent, reserved, settlements } = rows[0]!;
  const { startedAt } = await world.job(order);
  expect(settlements).toBe(1);
  expect(BigInt(spent)).toBe(chargeFor(BigInt(rate), billed_ms));
  expect(BigInt(spent)).toBeLessThanOrEqual(BigInt(reserved));
  return { billedMs: billed_ms, servedUntil: served_until, startedAt: startedAt! };
}

async function over(order: JobOrder) {
  await until(async () => (await world.job(order)).endedAt !== undefined, {
    timeoutMs: 60_000,
    name: 'the job is over',
  });
  await until(async () => !(await world.heldBy(order)).service, { timeoutMs: 60_000, name: 'its Service is gone' });
  expect(await world.heldBy(order)).toEqual(heldNothing);
  return { job: await world.job(order), ...(await bill(order)) };
}

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
  const outcomes = new Map<string, Promise<{ saidMs: number; order: JobOrder }>>();

  // All of them side by side: each waits for most of its time.
  beforeAll(async () => {
    const providerId = await world.joined({ gpus: { model: 'Many 1', count: 16 } });
    for (const [name, { status }] of Object.entries(ends)) {
      const outcome = (async () => {
        const order = await world.running({ providerId });
        await sleep(1_500);
        const saidMs = Date.now();
        await kubeletSays(order, status);
        return { saidMs, order };
      })();
      outcome.catch(() => undefined);
      outcomes.set(name, outcome);
    }
  });

  test.each(Object.keys(ends))(
    'a job ends, holds nothing and is paid for while it was served when the kubelet reports: %s',
    async (name) => {
      const { saidMs, order } = await outcomes.get(name)!;
      const { job, billedMs, startedAt } = await over(order);
      expect(job).toMatchObject(ends[name]!.job);
      expect(jobReplyOf(job).suggestion?.action).toBe(ends[name]!.suggestion);
      // A kubelet's whole second at the beginning, and what the watcher takes to tell at the end.
      const servedMs = saidMs - startedAt.getTime();
      expect(billedMs).toBeGreaterThan(servedMs - 1_100);
      expect(billedMs).toBeLessThan(servedMs + 10_000);
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
          ...object(order),
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

describe('time in which the provider was away', () => {
  test('time in which the provider was away is not paid for when it came back and the customer cancelled', async () => {
    const providerId = await world.joined();
    const order = await world.running({ providerId });
    await sleep(1_000);
    await world.setNodeReady(providerId, false);
    await world.becomes(providerId, 'offline');
    await until(async () => (await world.job(order)).message.includes('not paid for'), { name: 'the customer knows' });
    await sleep(1_000);
    await world.setNodeReady(providerId, true);
    await world.becomes(providerId, 'available');
    await until(async () => (await gapsOf(world.database.pool, order.jobId)).length === 1, {
      name: 'the gap stands there',
    });
    expect((await world.job(order)).message).toBe('');
    await cancel(order);
    const { billedMs, servedUntil, startedAt } = await over(order);
    const [gap] = await gapsOf(world.database.pool, order.jobId);
    expect(gap!.toMs - gap!.fromMs).toBeGreaterThan(1_000);
    const counted = billedTime({
      readyAtMs: startedAt.getTime(),
      expiresAtMs: Infinity,
      endAtMs: servedUntil.getTime(),
      gaps: [gap!],
    });
    expect(counted.gaps).toHaveLength(1);
    expect(billedMs).toBe(counted.billedMs);
  });

  test.each<[string, (order: JobOrder) => Promise<unknown>, string]>([
    ['the customer cancelled', cancel, 'cancelled'],
    ['the time was over', (order) => world.jobBecomes(order, 'expired'), 'expired'],
    ['the broker gave it up', (order) => world.jobBecomes(order, 'provider_lost'), 'provider_lost'],
  ])(
    'time in which the provider was away is not paid for when it did not come back before %s',
    async (_what, end, status) => {
      const providerId = await world.joined();
      const order = await world.running({ providerId, durationSeconds: status === 'expired' ? 6 : 3_600 });
      await sleep(1_000);
      const awayMs = Date.now();
      await world.setNodeReady(providerId, false);
      await world.becomes(providerId, 'offline');
      await sleep(1_000);
      await end(order);
      const { job, servedUntil, billedMs, startedAt } = await over(order);
      expect(job.status).toBe(status);
      expect(billedMs).toBe(servedUntil.getTime() - startedAt.getTime());
      expect(Math.abs(servedUntil.getTime() - awayMs)).toBeLessThan(1_100);
    },
  );
});

describe('a machine that loses a GPU', () => {
  test('a machine that lost a GPU does not serve those who rent its GPUs until the GPU is back, and serves all others', async () => {
    const providerId = await world.joined();
    const renting = await world.running({ providerId, gpuCount: 8 });
    const other = await world.running({ providerId, gpuCount: 0 });
    await world.setNodeGpus(providerId, 7);
    await until(async () => (await world.job(renting)).message.includes('fewer GPUs'), { name: 'its customer knows' });
    await world.setNodeGpus(providerId, 8);
    await until(async () => (await gapsOf(world.database.pool, renting.jobId)).length === 1, {
      name: 'the gap stands there',
    });
    await Promise.all([cancel(renting), cancel(other)]);
    const [rented, served] = await Promise.all([over(renting), over(other)]);
    expect(rented.billedMs).toBeLessThan(rented.servedUntil.getTime() - rented.startedAt.getTime());
    expect(served.billedMs).toBe(served.servedUntil.getTime() - served.startedAt.getTime());
    expect(served.job.message).toBe('cancelled by its owner');
  });

  test('a machine that does not get its lost GPU back in time is lost for those who rent its GPUs', async () => {
    const providerId = await world.joined();
    const renting = await world.running({ providerId, gpuCount: 8 });
    const other = await world.running({ providerId, gpuCount: 0 });
    await sleep(1_000);
    const lostMs = Date.now();
    await world.setNodeGpus(providerId, 0);
    await world.jobBecomes(renting, 'provider_lost');
    const { job, servedUntil } = await over(renting);
    expect(job.failure!.message).toContain('lost a GPU');
    expect(Math.abs(servedUntil.getTime() - lostMs)).toBeLessThan(3_000);
    expect((await world.job(other)).status).toBe('running');
    await cancel(other);
  });
});

test('a pod that its kubelet rejects after a restart was served until its machine was last seen', async () => {
  const providerId = await world.joined();
  const order = await world.running({ providerId });
  await sleep(1_000);
  const awayMs = Date.now();
  await world.setNodeReady(providerId, false);
  await world.becomes(providerId, 'offline');
  await sleep(1_500);
  await world.setNodeReady(providerId, true);
  await world.becomes(providerId, 'available');
  const refusal = {
    phase: 'Failed',
    reason: 'UnexpectedAdmissionError',
    message: 'Allocate failed',
    containerStatuses: [],
  };
  await kubeletSays(order, refusal);
  await world.jobBecomes(order, 'provider_lost');
  const { servedUntil } = await over(order);
  expect(Math.abs(servedUntil.getTime() - awayMs)).toBeLessThan(1_100);
});

test('a job on the new node of a reinstalled machine is not told of the end of the jobs on the old node', async () => {
  const providerId = await world.joined();
  const old = await world.running({ providerId });
  const [reached, told] = [gate(), gate()];
  beforeFinalNews = async () => {
    reached.open();
    await told.opened;
  };
  await world.replaceNode(providerId);
  await reached.opened;
  const next = await world.running({ providerId });
  beforeFinalNews = async () => undefined;
  told.open();
  await world.jobBecomes(old, 'provider_lost');
  await until(async () => (await world.state(providerId)).waitingFor.startsWith('nothing'), { name: 'all is told' });
  expect((await world.job(next)).status).toBe('running');
  await cancel(next);
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
