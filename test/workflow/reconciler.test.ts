import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RepairKind } from '../../activities/reconciler/repairs.js';
import { allocate, findAllocation, release } from '../../src/db/allocations.js';
import { setMiningWanted } from '../../src/db/mining.js';
import { installationId } from '../../src/db/installation.js';
import { reserveJoinToken } from '../../src/db/join-tokens.js';
import { findProvider } from '../../src/db/provider-reads.js';
import { knownAmong } from '../../src/db/reconcile-fleet.js';
import { jobObjectName, jobWorkflowId, tenantNamespace, type JobOrder } from '../../src/domain/job.js';
import { providerWorkflowId } from '../../src/domain/provider.js';
import { miningConfigSchema } from '../../src/domain/registration.js';
import { bootstrapTokenExists, newTokenSecret, replaceBootstrapToken } from '../../src/kubernetes/bootstrap-tokens.js';
import { mergePatch, unlessNotFound } from '../../src/kubernetes/client.js';
import { removeMiners } from '../../src/kubernetes/miners.js';
import { labels, taints } from '../../src/kubernetes/names.js';
import { ownedBy } from '../../src/kubernetes/ownership.js';
import { tenantNamespaceObject } from '../../src/kubernetes/manifests/tenant.js';
import { signalNames, workflowTypes } from '../../workflows/messages.js';
import type { ReconcilerReport } from '../../workflows/fleet-reconciler.js';
import { testOrder } from '../support/fleet.js';
import { until } from '../support/until.js';
import { createWorld, putNode, type World } from '../support/world.js';

const graceS = 2;
const namespaceTtlS = 4;
const lostPodGraceS = 5;

let world: World;
let providerId: string;
const cleanups: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  world = await createWorld({
    RECONCILER_GRACE_S: graceS,
    TENANT_NAMESPACE_TTL_S: namespaceTtlS,
    LOST_POD_GRACE_S: lostPodGraceS,
    MINING_IMAGE_ALLOWLIST: ['docker.io/miners/*'],
  });
  // The rows that tests put have no workflow and a node of another uid: the reconciler makes a real provider of them.
  providerId = await world.provider({ gpus: { model: 'Reconciled', count: 64 } });
  await reconcile();
  await settled();
}, 120_000);
afterAll(async () => {
  for (const cleanup of cleanups) await cleanup();
  await world?.close();
});

/** One run, as the Schedule starts it. */
async function reconcile(): Promise<ReconcilerReport> {
  return (await world.temporal.client.workflow.execute(workflowTypes.fleetReconciler, {
    workflowId: `reconciler-${randomUUID()}`,
    taskQueue: world.config.TEMPORAL_TASK_QUEUE,
  })) as ReconcilerReport;
}

/** What one run repaired; a failure is the test's. */
async function repairs(): Promise<Partial<Record<RepairKind, number>>> {
  const { repairs, failures } = await reconcile();
  expect(failures).toEqual([]);
  return repairs;
}

/** Until the provider's row says what its node is. */
async function settled(): Promise<void> {
  const node = await world.kubernetes.core.readNode({ name: providerId });
  await until(
    async () => {
      const known = (await knownAmong(world.database.pool, [providerId])).get(providerId)!;
      return known.nodeUid === node.metadata!.uid && known.status === 'available';
    },
    { name: 'the provider is in service' },
  );
}

const old = () => sleep(graceS * 1000 + 1_500);
const order = (changes: Partial<JobOrder> = {}) => world.order({ providerId, ...changes });
const ended = (job: JobOrder) =>
  until(async () => (await world.job(job)).endedAt !== undefined, { timeoutMs: 30_000, name: 'the job has ended' });
const runs = (job: JobOrder) =>
  until(async () => (await world.job(job)).status === 'running', { timeoutMs: 30_000, name: 'the job runs' });
const pod = (job: JobOrder) =>
  unlessNotFound(
    world.kubernetes.core.readNamespacedPod({ name: jobObjectName(job.jobId), namespace: tenantNamespace(job.wallet) }),
  );
const start = (job: JobOrder) => world.commands.startAndWait(job, 30_000);
const cancel = (job: JobOrder) => world.commands.cancel(job.jobId, 'its owner', 30_000);
const workflow = (job: JobOrder) => world.temporal.client.workflow.getHandle(jobWorkflowId(job.jobId));

async function expectNothingHeld(job: JobOrder): Promise<void> {
  expect(await findAllocation(world.database.pool, job.jobId)).toBeUndefined();
  expect(await pod(job)).toBeUndefined();
}

describe('a system in which 20 jobs start, run and end', () => {
  test('needs no repair', async () => {
    let over = false;
    const life = async () => {
      const job = await order({ durationSeconds: Math.random() < 0.5 ? 3 : 600 });
      await start(job);
      await sleep(2_000 + Math.random() * 4_000);
      await cancel(job);
      await ended(job);
    };
    const jobs = Promise.all(Array.from({ length: 20 }, life)).finally(() => (over = true));
    const found: ReconcilerReport[] = [];
    while (!over || found.length < 3) found.push(await reconcile());
    await jobs;
    found.push(await reconcile());
    for (const { repairs, failures } of found) expect({ repairs, failures }).toEqual({ repairs: {}, failures: [] });
  }, 180_000);
});

describe('a job', () => {
  test('whose workflow was never started is started', async () => {
    const job = await order();
    await old();
    expect(await repairs()).toEqual({ job_not_started: 1 });
    await runs(job);
    expect(await repairs()).toEqual({});
    await cancel(job);
  });

  test('that was never started in all the time a start may take is closed, and costs nothing', async () => {
    const job = await order();
    await world.database.pool.query(`update jobs set created_at = now() - interval '1 hour' where job_id = $1`, [
      job.jobId,
    ]);
    expect(await repairs()).toEqual({ job_abandoned: 1 });
    expect(await world.job(job)).toMatchObject({ status: 'failed', failure: { reason: 'internal_error' } });
    expect(await spent(job)).toBe('0');
  });

  test('whose workflow an operator terminated is torn down and released, and paid until then', async () => {
    const job = await order({ gpuCount: 2 });
    await start(job);
    await workflow(job).terminate('by an operator');
    await old();
    expect(await repairs()).toEqual({ job_abandoned: 1 });
    expect(await world.job(job)).toMatchObject({
      status: 'failed',
      failure: { reason: 'internal_error', message: expect.stringContaining('terminated') },
    });
    await expectNothingHeld(job);
    const { closeTime } = await workflow(job).describe();
    const { startedAt, pricePerHour } = await world.job(job);
    const seconds = (closeTime!.getTime() - startedAt!.getTime()) / 1000;
    expect(Number(await spent(job)) / 1e18).toBeCloseTo((seconds * pricePerHour!) / 3_600, 6);
    expect(await repairs()).toEqual({});
  });

  test('that runs, and of whose workflow Temporal has lost everything, goes on in the same pod', async () => {
    const job = await order();
    await start(job);
    const before = (await pod(job))!.metadata!.uid;
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
    await old();
    expect(await repairs()).toEqual({ job_without_workflow: 1 });
    expect((await pod(job))!.metadata!.uid).toBe(before);
    const { expiresAt: later } = await world.commands.extend(job.jobId, 'after the loss', 60);
    expect(Date.parse(later)).toBe(expiresAt!.getTime() + 60_000);
    expect(await cancel(job)).toMatchObject({ status: 'cancelled' });
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

describe('the ledger', () => {
  const rented = async () =>
    (await findProvider(world.database.pool, providerId))!.resources.find(({ kind }) => kind === 'gpu')!.rented;
  const place = () => ({
    providerId,
    nodeName: providerId,
    gpuType: 'reconciled',
    gpuModel: 'Reconciled',
    pricePerHour: 1,
  });

  test('gets back what a job holds that was never ordered', async () => {
    const job = testOrder({ gpuCount: 3 });
    const before = await rented();
    expect(await allocate(world.database.pool, job, place())).toBe('allocated');
    expect(await repairs()).toEqual({ allocation_leaked: 1 });
    expect(await rented()).toBe(before);
  });

  test('gets back what a job holds that is over', async () => {
    const job = await order();
    await start(job);
    await world.database.pool.query(`update jobs set status = 'failed', ended_at = now() where job_id = $1`, [
      job.jobId,
    ]);
    expect(await repairs()).toMatchObject({ allocation_leaked: 1 });
    expect(await findAllocation(world.database.pool, job.jobId)).toBeUndefined();
    await cancel(job);
  });

  test('has its counters set to what is held, upwards and downwards', async () => {
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
        [providerId, wrong],
      );
      expect(await repairs()).toEqual({ rented_differs: 1 });
      expect(await rented()).toBe(before);
    }
    await release(world.database.pool, job.jobId);
    await world.database.pool.query('delete from jobs where job_id = $1', [job.jobId]);
  });
});

describe('what stands in the cluster without a job', () => {
  /** Pod, Service and Secret as the broker would have made them, for a job that nobody ordered. */
  async function orphans(installation: string, nodeName = providerId): Promise<JobOrder> {
    const job = testOrder({ wallet: `0x${randomUUID().replaceAll('-', '')}00000000` });
    const namespace = tenantNamespace(job.wallet);
    const metadata = {
      name: jobObjectName(job.jobId),
      labels: { [labels.jobId]: job.jobId, [labels.gpuRental]: 'true' },
    };
    const { core } = world.kubernetes;
    await core.createNamespace({ body: ownedBy(installation, tenantNamespaceObject(job.wallet)) });
    cleanups.push(() => unlessNotFound(core.deleteNamespace({ name: namespace })));
    await core.createNamespacedPod({
      namespace,
      body: ownedBy(installation, {
        metadata,
        spec: {
          nodeName,
          terminationGracePeriodSeconds: 1,
          automountServiceAccountToken: false,
          containers: [{ name: 'job', image: 'example' }],
        },
      }),
    });
    const service = { metadata, spec: { ports: [{ port: 22 }] } };
    await core.createNamespacedService({ namespace, body: ownedBy(installation, service) });
    await core.createNamespacedSecret({ namespace, body: ownedBy(installation, { metadata }) });
    return job;
  }
  const found = async (job: JobOrder) => {
    const names = { name: jobObjectName(job.jobId), namespace: tenantNamespace(job.wallet) };
    const { core } = world.kubernetes;
    const all = [core.readNamespacedPod(names), core.readNamespacedService(names), core.readNamespacedSecret(names)];
    const there = await Promise.all(all.map((read) => unlessNotFound<unknown>(read)));
    return there.filter((object) => object !== undefined).length;
  };

  test('is left alone while it is new, then deleted', async () => {
    const job = await orphans(await installationId(world.database.pool));
    expect(await repairs()).toEqual({});
    await old();
    expect(await repairs()).toEqual({ pod_orphaned: 1, service_orphaned: 1, secret_orphaned: 1 });
    await until(async () => (await found(job)) === 0, { name: 'everything of the job is gone' });
    expect(await repairs()).toEqual({});
  });

  test('is left alone when another installation of the broker made it', async () => {
    const job = await orphans(randomUUID());
    await old();
    expect(await repairs()).toEqual({});
    expect(await found(job)).toBe(3);
  });

  test('is removed by force from a node that does not answer', async () => {
    const { core } = world.kubernetes;
    const name = `dead-${randomUUID().slice(0, 8)}`;
    await core.createNode({ body: { metadata: { name } } });
    cleanups.push(() => unlessNotFound(core.deleteNode({ name })));
    const job = await orphans(await installationId(world.database.pool), name);
    await old();
    expect(await repairs()).toMatchObject({ pod_orphaned: 1 });
    // Past its grace, as long as a node may be out of reach for a moment.
    await sleep((lostPodGraceS + 3) * 1000);
    expect(await pod(job)).toBeDefined();
    expect(await repairs()).toEqual({ pod_stranded: 1 });
    expect(await pod(job)).toBeUndefined();
  }, 90_000);

  test('stays when its workflow runs, although the row is lost', async () => {
    const job = await order();
    await start(job);
    const { rows } = await world.database.pool.query('delete from jobs where job_id = $1 returning *', [job.jobId]);
    await old();
    expect(await repairs()).toEqual({ allocation_leaked: 1 });
    expect((await pod(job))!.metadata!.deletionTimestamp).toBeUndefined();
    expect(rows).toHaveLength(1);
    await cancel(job);
  });
});

describe('a provider', () => {
  test('whose workflow is gone goes on as what it was', async () => {
    const handle = world.temporal.client.workflow.getHandle(providerWorkflowId(providerId));
    await handle.terminate('by an operator');
    expect(await repairs()).toEqual({ provider_without_workflow: 1 });
    expect(await repairs()).toEqual({});
    /** As the sweep does it. */
    const hear = async (alive: boolean) => {
      await world.database.pool.query('update providers set heartbeat_alive = $2 where provider_id = $1', [
        providerId,
        alive,
      ]);
      await handle.signal(signalNames.heartbeatChanged, { alive, at: new Date().toISOString() });
    };
    const status = async () => (await findProvider(world.database.pool, providerId))!.status;
    expect(await status()).toBe('available');
    await hear(false);
    await until(async () => (await status()) === 'offline', { name: 'it goes offline' });
    await hear(true);
    await until(async () => (await status()) === 'available', { name: 'it is back' });
  });

  test.each([
    ['readiness', 'node_ready = false'],
    ['capacity', `allocatable = allocatable || '{"gpus": 1}'`],
    ['node', 'node_uid = gen_random_uuid()::text'],
  ])('whose row says another %s than the cluster is set right by its workflow', async (_what, change) => {
    await settled();
    const before = (await knownAmong(world.database.pool, [providerId])).get(providerId);
    await world.database.pool.query(`update providers set ${change} where provider_id = $1`, [providerId]);
    expect(await repairs()).toEqual({ node_differs: 1 });
    await until(
      async () => {
        const now = (await knownAmong(world.database.pool, [providerId])).get(providerId);
        return JSON.stringify(now) === JSON.stringify(before);
      },
      { name: 'the row is what it was' },
    );
  });
});

test('a node that was taken for a provider who is not there is kept free of jobs, and is not deleted', async () => {
  const { core } = world.kubernetes;
  const name = `nobody-${randomUUID().slice(0, 8)}`;
  await putNode(world.kubernetes, name, 1);
  cleanups.push(() => unlessNotFound(core.deleteNode({ name })));
  const label = { metadata: { labels: { [labels.installation]: await installationId(world.database.pool) } } };
  await core.patchNode({ name, body: label }, mergePatch);
  await old();
  expect(await repairs()).toEqual({ node_unowned: 1 });
  const node = await core.readNode({ name });
  expect(node.spec?.taints).toContainEqual(expect.objectContaining({ key: taints.maintenance, effect: 'NoSchedule' }));
  expect(await repairs()).toEqual({});
});

describe('the namespace of a tenant', () => {
  const namespace = (job: JobOrder) =>
    unlessNotFound(world.kubernetes.core.readNamespace({ name: tenantNamespace(job.wallet) }));
  const goes = async (job: JobOrder) => {
    const found = await namespace(job);
    return found === undefined || found.metadata?.deletionTimestamp !== undefined;
  };

  test('is removed some time after the last job, and not before', async () => {
    const [first, second] = [await order(), await order()];
    await Promise.all([start(first), start(second)]);
    await cancel(first);
    expect((await reconcile()).tidied.namespaces).toBeGreaterThanOrEqual(0);
    expect(await goes(first)).toBe(false);
    await sleep(namespaceTtlS * 1000 + 1_500);
    await reconcile();
    expect(await goes(first)).toBe(true);
    expect(await goes(second)).toBe(false);
    await cancel(second);
  });

  test('that is being removed when its tenant orders again costs a wait, not the job', async () => {
    const first = await order();
    await start(first);
    await cancel(first);
    await sleep(namespaceTtlS * 1000 + 1_500);
    // One before, one in the middle of and one after the removal.
    const jobs = await Promise.all(
      [0, 40, 400].map(async (delayMs, place) => {
        if (place === 0) void reconcile();
        await sleep(delayMs);
        const job = await order({ wallet: first.wallet });
        await start(job);
        return job;
      }),
    );
    for (const job of jobs) await runs(job);
    await sleep(3_000);
    for (const job of jobs) expect(await world.job(job)).toMatchObject({ status: 'running' });
    await Promise.all(jobs.map(cancel));
  });
});

test('a join token that has expired is deleted, and one that may still be used stays', async () => {
  const { pool } = world.database;
  const tokens = await Promise.all(
    ['expired', 'good'].map(async (messageId) => {
      const token = await reserveJoinToken(pool, { providerId, messageId, nodeName: providerId, ttlS: 600 });
      const secret = newTokenSecret();
      await replaceBootstrapToken(world.kubernetes, {
        id: token.tokenId,
        secret,
        providerId,
        expiresAt: token.expiresAt,
      });
      return token.tokenId;
    }),
  );
  await pool.query(`update join_tokens set expires_at = now() - interval '1 second' where token_id = $1`, [tokens[0]]);
  expect(await reconcile()).toMatchObject({ repairs: {}, tidied: { joinTokens: 1 } });
  const exists = (tokenId: string) => bootstrapTokenExists(world.kubernetes, tokenId, providerId);
  expect(await exists(tokens[0]!)).toBe(false);
  expect(await exists(tokens[1]!)).toBe(true);
  expect((await reconcile()).tidied.joinTokens).toBe(0);
});

test('miners that are not what the configuration asks for are brought to it', async () => {
  const { pool } = world.database;
  cleanups.push(() => removeMiners(world.kubernetes, providerId));
  const miner = miningConfigSchema.parse({
    image: 'docker.io/miners/one:1',
    gpu_count: 1,
    cpu_cores: 1,
    memory_mb: 1_024,
  });
  await setMiningWanted(pool, providerId, true, miner);
  expect(await reconcile()).toMatchObject({ mining: 1, repairs: {} });
  expect(await reconcile()).toMatchObject({ mining: 0 });
});

describe('a running job', () => {
  test('whose pod is gone ends, although no watcher told it', async () => {
    const job = await order();
    await start(job);
    await world.stopWatcher();
    await world.kubernetes.core.deleteNamespacedPod({
      name: jobObjectName(job.jobId),
      namespace: tenantNamespace(job.wallet),
      gracePeriodSeconds: 0,
    });
    await old();
    expect((await world.job(job)).status).toBe('running');
    expect(await repairs()).toEqual({ job_without_pod: 1 });
    await ended(job);
    expect(await world.job(job)).toMatchObject({ status: 'failed', failure: { reason: 'pod_deleted' } });
    await expectNothingHeld(job);
  });
});

test('a comparison that cannot be made is reported, and keeps none of the others from being made', async () => {
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
