import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { installationId } from '../../src/db/installation.js';
import { reserveJoinToken } from '../../src/db/join-tokens.js';
import { setMiningWanted } from '../../src/db/mining.js';
import { findProvider } from '../../src/db/provider-reads.js';
import { openRestore } from '../../src/db/restores.js';
import { knownAmong } from '../../src/db/reconcile-fleet.js';
import { jobObjectName, type JobOrder } from '../../src/domain/job.js';
import { providerWorkflowId } from '../../src/domain/provider.js';
import { miningConfigSchema } from '../../src/domain/registration.js';
import { bootstrapTokenExists, newTokenSecret, replaceBootstrapToken } from '../../src/kubernetes/bootstrap-tokens.js';
import { mergePatch, unlessNotFound } from '../../src/kubernetes/client.js';
import { tenantNamespaceObject } from '../../src/kubernetes/manifests/tenant.js';
import { removeMiners } from '../../src/kubernetes/miners.js';
import { labels, taints } from '../../src/kubernetes/names.js';
import { labelledFor } from '../../src/kubernetes/ownership.js';
import { heartbeatChanged } from '../../workflows/provider-messages.js';
import { testOrder } from '../support/fleet.js';
import {
  createReconciledWorld,
  lostPodGraceS,
  namespaceTtlS,
  type ReconciledWorld,
} from '../support/reconciled-world.js';
import { until } from '../support/until.js';
import { putNode } from '../support/world.js';
import { namespaceOf } from '../support/tenants.js';

let world: ReconciledWorld;
beforeAll(async () => {
  world = await createReconciledWorld();
}, 120_000);
afterAll(() => world?.close());

describe('objects in the cluster without a job', () => {
  /** Pod, Service and Secret as the broker would have made them, for a job that nobody ordered. */
  async function orphans(installation: string, nodeName = world.providerId): Promise<JobOrder> {
    const job = testOrder({ wallet: `0x${randomUUID().replaceAll('-', '')}00000000` });
    const namespace = namespaceOf(job.wallet);
    const metadata = {
      name: jobObjectName(job.jobId),
      labels: { [labels.jobId]: job.jobId, [labels.gpuRental]: 'true' },
    };
    const { core } = world.kubernetes;
    await core.createNamespace({ body: labelledFor(installation, tenantNamespaceObject(namespace)) });
    world.atEnd(() => unlessNotFound(core.deleteNamespace({ name: namespace })));
    await core.createNamespacedPod({
      namespace,
      body: labelledFor(installation, {
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
    await core.createNamespacedService({ namespace, body: labelledFor(installation, service) });
    await core.createNamespacedSecret({ namespace, body: labelledFor(installation, { metadata }) });
    return job;
  }
  const found = async (job: JobOrder) => {
    const names = { name: jobObjectName(job.jobId), namespace: namespaceOf(job.wallet) };
    const { core } = world.kubernetes;
    const all = [core.readNamespacedPod(names), core.readNamespacedService(names), core.readNamespacedSecret(names)];
    const there = await Promise.all(all.map((read) => unlessNotFound<unknown>(read)));
    return there.filter((object) => object !== undefined).length;
  };

  test('objects without a job are deleted', async () => {
    const job = await orphans(await installationId(world.database.pool));
    await world.grownOld();
    expect(await world.repairs()).toEqual({ pod_orphaned: 1, service_orphaned: 1, secret_orphaned: 1 });
    await until(async () => (await found(job)) === 0, { name: 'everything of the job is gone' });
    expect(await world.repairs()).toEqual({});
  });

  test('new objects are left alone, because their job may have just been made', async () => {
    const patient = await createReconciledWorld({ RECONCILER_GRACE_S: 3_600 });
    world.atEnd(() => patient.close());
    const job = await orphans(await installationId(patient.database.pool));
    await world.grownOld();
    expect(await patient.repairs()).toEqual({});
    expect(await found(job)).toBe(3);
  });

  test('objects of another installation of the broker are left alone', async () => {
    const job = await orphans(randomUUID());
    await world.grownOld();
    expect(await world.repairs()).toEqual({});
    expect(await found(job)).toBe(3);
  });

  test('objects without a job stay while the database is older than what the cluster has seen of it', async () => {
    const { pool } = world.database;
    const job = await orphans(await installationId(pool));
    await world.grownOld();
    // As after a restore, of which nobody tells the broker.
    await pool.query('update installation set mark = 0');
    expect(await world.repairs()).toEqual({});
    expect(await found(job)).toBe(3);
    expect(await openRestore(pool)).toMatchObject({ why: 'older' });
    const { rows } = await pool.query<{ kept: unknown }>('select kept from restores where over_at is null');
    expect(rows[0]!.kept).toMatchObject([{ jobId: job.jobId, workflow: false }]);

    await pool.query("select restore_is_over('0xoperator', 'nobody claims it')");
    expect(await world.repairs()).toEqual({ pod_orphaned: 1, service_orphaned: 1, secret_orphaned: 1 });
    expect(await openRestore(pool)).toBeUndefined();
  });

  test('a pod without a job is removed by force from a node that does not answer', async () => {
    const { core } = world.kubernetes;
    const name = `dead-${randomUUID().slice(0, 8)}`;
    await core.createNode({ body: { metadata: { name } } });
    world.atEnd(() => unlessNotFound(core.deleteNode({ name })));
    const job = await orphans(await installationId(world.database.pool), name);
    await world.grownOld();
    expect(await world.repairs()).toMatchObject({ pod_orphaned: 1 });
    // Past its grace, as long as a node may be out of reach for a moment.
    await sleep((lostPodGraceS + 3) * 1000);
    expect(await world.pod(job)).toBeDefined();
    expect(await world.repairs()).toEqual({ pod_stranded: 1 });
    expect(await world.pod(job)).toBeUndefined();
  }, 90_000);

  test('objects of a job whose workflow runs stay although its row is lost', async () => {
    const job = await world.order();
    await world.start(job);
    const { rows } = await world.database.pool.query('delete from jobs where job_id = $1 returning *', [job.jobId]);
    await world.grownOld();
    expect(await world.repairs()).toEqual({ allocation_leaked: 1 });
    expect((await world.pod(job))!.metadata!.deletionTimestamp).toBeUndefined();
    expect(rows).toHaveLength(1);
    await world.cancel(job);
  });
});

describe('a provider', () => {
  test('a provider whose workflow is gone gets a new one and goes on as before', async () => {
    const handle = world.temporal.client.workflow.getHandle(providerWorkflowId(world.providerId));
    await handle.terminate('by an operator');
    expect(await world.repairs()).toEqual({ provider_without_workflow: 1 });
    expect(await world.repairs()).toEqual({});
    /** As the sweep does it. */
    const hear = async (alive: boolean) => {
      await world.database.pool.query('update providers set heartbeat_alive = $2 where provider_id = $1', [
        world.providerId,
        alive,
      ]);
      await handle.signal(heartbeatChanged);
    };
    const status = async () => (await findProvider(world.database.pool, world.providerId))!.status;
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
  ])('a provider whose row has another %s than the cluster is corrected by its workflow', async (_what, change) => {
    await world.settled();
    const before = (await knownAmong(world.database.pool, [world.providerId])).get(world.providerId);
    await world.database.pool.query(`update providers set ${change} where provider_id = $1`, [world.providerId]);
    expect(await world.repairs()).toEqual({ node_differs: 1 });
    await until(
      async () => {
        const now = (await knownAmong(world.database.pool, [world.providerId])).get(world.providerId);
        return JSON.stringify(now) === JSON.stringify(before);
      },
      { name: 'the row is what it was' },
    );
  });
});

test('every comparison records whether a node is ready, so that its kubelet cannot claim otherwise later', async () => {
  await world.settled();
  const { pool } = world.database;
  await pool.query(`update provider_heartbeats set node_ready_at = now() - interval '1 hour' where provider_id = $1`, [
    world.providerId,
  ]);
  await world.repairs();
  const { rows } = await pool.query<{ ago_s: number }>(
    `select extract(epoch from now() - node_ready_at)::float8 as ago_s from provider_heartbeats where provider_id = $1`,
    [world.providerId],
  );
  expect(rows[0]!.ago_s).toBeLessThan(60);
});

test('a node for a provider that does not exist is kept free of jobs, and is not deleted', async () => {
  const { core } = world.kubernetes;
  const name = `nobody-${randomUUID().slice(0, 8)}`;
  await putNode(world.kubernetes, name, 1);
  world.atEnd(() => unlessNotFound(core.deleteNode({ name })));
  const label = { metadata: { labels: { [labels.installation]: await installationId(world.database.pool) } } };
  await core.patchNode({ name, body: label }, mergePatch);
  await world.grownOld();
  expect(await world.repairs()).toEqual({ node_unowned: 1 });
  const node = await core.readNode({ name });
  expect(node.spec?.taints).toContainEqual(expect.objectContaining({ key: taints.maintenance, effect: 'NoSchedule' }));
  expect(await world.repairs()).toEqual({});
});

describe('the namespace of a tenant', () => {
  const namespace = (job: JobOrder) =>
    unlessNotFound(world.kubernetes.core.readNamespace({ name: namespaceOf(job.wallet) }));
  const goes = async (job: JobOrder) => {
    const found = await namespace(job);
    return found === undefined || found.metadata?.deletionTimestamp !== undefined;
  };

  test('the namespace of a tenant is removed some time after the last job, and not before', async () => {
    const [first, second] = [await world.order(), await world.order()];
    await Promise.all([world.start(first), world.start(second)]);
    await world.cancel(first);
    expect((await world.reconcile()).tidied.namespaces).toBeGreaterThanOrEqual(0);
    expect(await goes(first)).toBe(false);
    await sleep(namespaceTtlS * 1000 + 1_500);
    await world.reconcile();
    expect(await goes(first)).toBe(true);
    expect(await goes(second)).toBe(false);
    await world.cancel(second);
  });

  test('an order while the tenant’s namespace is being removed costs a wait, not the job', async () => {
    const first = await world.order();
    await world.start(first);
    await world.cancel(first);
    await sleep(namespaceTtlS * 1000 + 1_500);
    // One before, one in the middle of and one after the removal.
    const jobs = await Promise.all(
      [0, 40, 400].map(async (delayMs, place) => {
        if (place === 0) void world.reconcile();
        await sleep(delayMs);
        const job = await world.order({ wallet: first.wallet });
        await world.start(job);
        return job;
      }),
    );
    for (const job of jobs) await world.runs(job);
    await sleep(3_000);
    for (const job of jobs) expect(await world.job(job)).toMatchObject({ status: 'running' });
    await Promise.all(jobs.map((job) => world.cancel(job)));
  });
});

test('an expired join token is deleted, and one that may still be used stays', async () => {
  const { pool } = world.database;
  const tokens = await Promise.all(
    ['expired', 'good'].map(async (messageId) => {
      const token = await reserveJoinToken(pool, {
        providerId: world.providerId,
        messageId,
        nodeName: world.providerId,
        ttlS: 600,
      });
      const secret = newTokenSecret();
      await replaceBootstrapToken(world.kubernetes, {
        id: token.tokenId,
        secret,
        providerId: world.providerId,
        expiresAt: token.expiresAt,
      });
      return token.tokenId;
    }),
  );
  await pool.query(`update join_tokens set expires_at = now() - interval '1 second' where token_id = $1`, [tokens[0]]);
  expect(await world.reconcile()).toMatchObject({ repairs: {}, tidied: { joinTokens: 1 } });
  const exists = (tokenId: string) => bootstrapTokenExists(world.kubernetes, tokenId, world.providerId);
  expect(await exists(tokens[0]!)).toBe(false);
  expect(await exists(tokens[1]!)).toBe(true);
  expect((await world.reconcile()).tidied.joinTokens).toBe(0);
});

test('miners that differ from the configuration are made to match it', async () => {
  const { pool } = world.database;
  world.atEnd(() => removeMiners(world.kubernetes, world.providerId));
  const miner = miningConfigSchema.parse({
    image: 'docker.io/miners/one:1',
    gpu_count: 1,
    cpu_cores: 1,
    memory_mb: 1_024,
  });
  await setMiningWanted(pool, world.providerId, true, miner);
  expect(await world.reconcile()).toMatchObject({ mining: 1, repairs: {} });
  expect(await world.reconcile()).toMatchObject({ mining: 0 });
});
