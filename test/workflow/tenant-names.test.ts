import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { claimJobNamespace, namespaceOfJob } from '../../activities/job-namespace.js';
import { claimNamespace, findJobNamespace, namespacesOf } from '../../src/db/tenants.js';
import { jobObjectName, type JobOrder } from '../../src/domain/job.js';
import { mergePatch, unlessNotFound } from '../../src/kubernetes/client.js';
import { tenantNamespaceObject } from '../../src/kubernetes/manifests/tenant.js';
import { openTenantNamespace } from '../../src/kubernetes/tenant-names.js';
import { startWatcher } from '../../src/roles/watcher/watcher.js';
import { freshDatabase } from '../support/database.js';
import { createReconciledWorld, namespaceTtlS, type ReconciledWorld } from '../support/reconciled-world.js';
import { namespaceOf } from '../support/tenants.js';
import { until } from '../support/until.js';

let world: ReconciledWorld;
beforeAll(async () => {
  world = await createReconciledWorld();
}, 120_000);
afterAll(() => world?.close());

const pool = () => world.database.pool;
const podIn = (namespace: string, { jobId }: JobOrder) =>
  unlessNotFound(world.kubernetes.core.readNamespacedPod({ name: jobObjectName(jobId), namespace }));
const stands = async (name: string) => {
  const found = await unlessNotFound(world.kubernetes.core.readNamespace({ name }));
  return found !== undefined && found.metadata?.deletionTimestamp === undefined;
};

/** A job as 0.1.0 has left it: in a namespace that says whose it is, and of which its row says nothing. */
async function startedBefore(): Promise<JobOrder> {
  const job = await world.order();
  await claimNamespace(pool(), job.jobId, openTenantNamespace(job.wallet));
  await world.start(job);
  await pool().query('update jobs set namespace = null where job_id = $1', [job.jobId]);
  await pool().query('delete from tenants where wallet = $1', [job.wallet]);
  return job;
}

test('no object that a job makes in the cluster names its customer', async () => {
  const job = await world.order();
  await world.start(job);
  const namespace = namespaceOf(job.wallet);
  const { core, networking, rbac } = world.kubernetes;
  const made = await Promise.all([
    core.readNamespace({ name: namespace }),
    core.listNamespacedPod({ namespace }),
    core.listNamespacedService({ namespace }),
    core.listNamespacedSecret({ namespace }),
    core.listNamespacedResourceQuota({ namespace }),
    core.listNamespacedLimitRange({ namespace }),
    core.listNamespacedEvent({ namespace }),
    networking.listNamespacedNetworkPolicy({ namespace }),
    rbac.listNamespacedRoleBinding({ namespace }),
  ]);
  const said = JSON.stringify(made).toLowerCase();
  expect(said).toContain(job.jobId);
  expect(said).not.toContain(job.wallet.slice(2).toLowerCase());
  expect(await namespacesOf(pool(), job.wallet)).toEqual([namespace]);
  await world.cancel(job);
});

test('a Service has the labels by which the broker finds it, and no others', async () => {
  const job = await world.order();
  await world.start(job);
  const names = { name: jobObjectName(job.jobId), namespace: namespaceOf(job.wallet) };
  const { metadata } = await world.kubernetes.core.readNamespacedService(names);
  expect(Object.keys(metadata!.labels!).sort()).toEqual([
    'app.kubernetes.io/managed-by',
    'worldland.io/gpu-rental',
    'worldland.io/installation',
    'worldland.io/job-id',
    'worldland.io/provider-id',
  ]);
  await world.cancel(job);
});

describe('a job of 0.1.0', () => {
  test('a job of 0.1.0 stays in its namespace until it ends, and is not taken for gone', async () => {
    // Other tests leave jobs that nobody has started.
    await world.grownOld();
    await world.repairs();
    const job = await startedBefore();
    const before = openTenantNamespace(job.wallet);
    expect(await podIn(before, job)).toBeDefined();
    await world.grownOld();
    expect(await world.repairs()).toEqual({});
    // One that starts now compares what it lists with every job that runs.
    const logger = pino({ level: 'silent' });
    const { kubernetes, temporal } = world;
    const watcher = startWatcher({ kubernetes, temporal: temporal.client, pool: pool(), logger });
    await until(() => Object.values(watcher.ready()).every(({ ok }) => ok), { name: 'the watcher has listed' });
    await sleep(1_000);
    await watcher.stop();
    expect(await world.job(job)).toMatchObject({ status: 'running' });

    const next = await world.order({ wallet: job.wallet });
    await world.start(next);
    expect(await podIn(namespaceOf(job.wallet), next)).toBeDefined();
    expect((await namespacesOf(pool(), job.wallet)).sort()).toEqual([before, namespaceOf(job.wallet)].sort());

    await world.cancel(job);
    expect(await podIn(before, job)).toBeUndefined();
    expect(await world.job(next)).toMatchObject({ status: 'running' });
    await world.cancel(next);
  });

  test('a job of 0.1.0 leaves a namespace that is being removed although its customer has jobs elsewhere', async () => {
    const job = await startedBefore();
    const next = await world.order({ wallet: job.wallet });
    await world.start(next);
    await world.cancel(job);
    await sleep(namespaceTtlS * 1000 + 1_500);
    await world.reconcile();
    expect(await stands(openTenantNamespace(job.wallet))).toBe(false);
    expect(await stands(namespaceOf(job.wallet))).toBe(true);
    expect(await world.job(next)).toMatchObject({ status: 'running' });
    await world.cancel(next);
  });

  test('a job of 0.1.0 keeps the pod that an interrupted attempt of that version made', async () => {
    const [job, other] = [await world.order(), await world.order()];
    const before = openTenantNamespace(job.wallet);
    const { core } = world.kubernetes;
    await core.createNamespace({ body: tenantNamespaceObject(before) });
    world.atEnd(() => unlessNotFound(core.deleteNamespace({ name: before })));
    await core.createNamespacedPod({
      namespace: before,
      body: {
        metadata: { name: jobObjectName(job.jobId) },
        spec: {
          nodeName: world.providerId,
          automountServiceAccountToken: false,
          containers: [{ name: 'job', image: 'example' }],
        },
      },
    });
    const deps = { pool: pool(), kubernetes: world.kubernetes };
    expect(await claimJobNamespace(deps, job, true)).toBe(before);
    expect(await claimJobNamespace(deps, job, false)).toBe(before);
    expect(await claimJobNamespace(deps, other, true)).toBe(namespaceOf(other.wallet));
  });
});

test('two concurrent choices of a job’s namespace agree', async () => {
  const job = await world.order();
  const names = ['tenant-00', 'tenant-01'].map((name) => `${name}${randomBytes(4).toString('hex')}`);
  const claimed = await Promise.all(names.map((name) => claimNamespace(pool(), job.jobId, name)));
  expect(new Set(claimed).size).toBe(1);
  expect(await findJobNamespace(pool(), job.jobId)).toMatchObject({ namespace: claimed[0], isClaimed: true });
});

test('a job that the database has forgotten is found by its pod', async () => {
  const job = await world.order();
  await world.start(job);
  const restored = await freshDatabase();
  try {
    const { rows } = await pool().query<{ id: string }>('select id from installation');
    await restored.pool.query('update installation set id = $1', [rows[0]!.id]);
    const deps = { pool: restored.pool, kubernetes: world.kubernetes };
    // By another wallet, so that it is not found by its name.
    expect(await namespaceOfJob(deps, { ...job, wallet: `0x${'9'.repeat(40)}` })).toBe(namespaceOf(job.wallet));
  } finally {
    await restored.close();
  }
  await world.cancel(job);
});

test('the key of the namespace names cannot be changed while jobs run', async () => {
  const job = await world.order();
  const change = () => pool().query(`update installation set tenant_key = '\\x00'`);
  await expect(change()).rejects.toThrow(/not changed while jobs run/);
  await pool().query('update installation set id = id');
  await world.start(job);
  await world.cancel(job);
});

test('a machine whose runtime has user namespaces runs jobs in them, and its row says so', async () => {
  const { core } = world.kubernetes;
  const status = { runtimeHandlers: [{ name: '', features: { userNamespaces: true } }] };
  await core.patchNodeStatus({ name: world.providerId, body: { status } }, mergePatch);
  await world.reconcile();
  const isWrittenDown = async () => {
    const { rows } = await pool().query<{ has: boolean | null }>(
      `select (allocatable ->> 'userNamespaces')::boolean as has from providers where provider_id = $1`,
      [world.providerId],
    );
    return rows[0]?.has === true;
  };
  await until(isWrittenDown, { name: 'the row has what the node says' });
  const job = await world.order();
  await world.start(job);
  expect((await podIn(namespaceOf(job.wallet), job))!.spec!.hostUsers).toBe(false);
  await world.cancel(job);
});
