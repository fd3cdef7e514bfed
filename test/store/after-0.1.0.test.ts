import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Pool } from 'pg';
import { jobReplyOf } from '../../src/api/schemas/job.js';
import { extendJob, settleSpend } from '../../src/billing/spend.js';
import { findAllocation, release } from '../../src/db/allocations.js';
import { findSession } from '../../src/db/auth-sessions.js';
import { findJob, findJobByKey, liveJobs, listJobs } from '../../src/db/jobs.js';
import { migrate } from '../../src/db/migrate.js';
import { createPool, withTransaction, type PostgresConfig } from '../../src/db/pool.js';
import { findProvider, listProviders, providersWithNodes } from '../../src/db/provider-reads.js';
import { knownProviders } from '../../src/db/reconcile-fleet.js';
import { findOpenJob, openJobIds, runningPods } from '../../src/db/reconcile-jobs.js';
import { differingProviders, leakedAllocations } from '../../src/db/reconcile-ledger.js';
import { databaseOf010, kept, using } from '../migrations/kept.js';
import { dropDatabase } from '../support/database.js';

const { customer, jobs, providers, session } = kept;

describe('a database of 0.1.0 after the upgrade', () => {
  let config: PostgresConfig;
  let pool: Pool;
  beforeAll(async () => {
    config = await databaseOf010();
    await migrate(config);
    pool = createPool(config);
  });
  afterAll(async () => {
    await pool.end();
    await dropDatabase(config.POSTGRES_DB);
  });
  const live = [jobs.running, jobs.runningWithoutHostKey, jobs.provisioning, jobs.pending, jobs.ending];
  const running = [jobs.running, jobs.runningWithoutHostKey];

  test('after the upgrade each job has the same status as before for its customer', async () => {
    const statuses = await Promise.all(
      Object.entries(jobs).map(async ([name, id]) => [name, (await findJob(pool, customer, id))!.status]),
    );
    expect(Object.fromEntries(statuses)).toEqual({
      running: 'running',
      runningWithoutHostKey: 'running',
      provisioning: 'provisioning',
      pending: 'pending',
      ending: 'ending',
      completed: 'completed',
      failed: 'failed',
      cancelledBeforeItsPlacement: 'cancelled',
    });
    const { jobs: listed } = await listJobs(pool, customer, { limit: 10, statuses: ['running'] });
    expect(listed.map(({ jobId }) => jobId).sort()).toEqual(running);
    expect(await findJobByKey(pool, customer, `key-of-${jobs.running}`)).toMatchObject({ jobId: jobs.running });
    expect(await findJob(pool, customer, jobs.failed)).toMatchObject({
      failure: { reason: 'image_pull_failed', message: 'the image cannot be pulled' },
    });
  });

  test('after the upgrade a running job can be reached where it was, with or without a known host key', async () => {
    const reply = async (id: string) => jobReplyOf((await findJob(pool, customer, id))!);
    const address = { ssh_host: '198.51.100.9', ssh_port: 30_022, ssh_command: 'ssh root@198.51.100.9 -p 30022' };
    expect(await reply(jobs.running)).toMatchObject({
      ...address,
      ssh_host_key: 'ssh-ed25519 AAAAhost',
      known_hosts: '[198.51.100.9]:30022 ssh-ed25519 AAAAhost',
    });
    const without = await reply(jobs.runningWithoutHostKey);
    expect(without).toMatchObject(address);
    expect(Object.keys(without)).not.toContain('known_hosts');
    expect(Object.keys(without)).not.toContain('ssh_host_key_fingerprint');
  });

  test('after the upgrade the reconciler and the watcher find the running jobs where they run and have nothing to repair', async () => {
    expect((await openJobIds(pool, 0)).sort()).toEqual(live);
    const namespace = `tenant-${customer}`;
    expect((await runningPods(pool, 0)).sort((a, b) => (a.jobId < b.jobId ? -1 : 1))).toEqual(
      running.map((jobId) => ({ jobId, namespace, podUid: `pod-of-${jobId}` })),
    );
    expect((await liveJobs(pool)).map(({ jobId }) => jobId).sort()).toEqual(live);
    expect(await differingProviders(pool)).toEqual([]);
    expect(await leakedAllocations(pool)).toEqual([]);
  });

  test('after the upgrade a running job that lost its workflow can be resumed from its row', async () => {
    const address = { host: '198.51.100.9', port: 30_022, user: 'root' };
    expect(await findOpenJob(pool, jobs.running)).toMatchObject({
      status: 'running',
      running: { ssh: { ...address, hostKey: 'ssh-ed25519 AAAAhost' }, podUid: `pod-of-${jobs.running}` },
      placement: { providerId: 'serves', nodeName: 'serves', gpuType: 'rtx-4090', rate: '485600000000000000' },
      // The size that its container has, whatever the default is now.
      order: { shmMb: 64, memoryMb: 16_384 },
    });
    const { running: without, placement } = (await findOpenJob(pool, jobs.runningWithoutHostKey))!;
    expect(without).toMatchObject({ ssh: address, podUid: `pod-of-${jobs.runningWithoutHostKey}` });
    expect(placement).toMatchObject({ providerId: 'mixed', gpuType: 'a100-sxm4-80gb', rate: '885600000000000000' });
    const provisioning = (await findOpenJob(pool, jobs.provisioning))!;
    expect(provisioning).toMatchObject({ status: 'provisioning', placement: { providerId: 'serves' } });
  });

  test('after the upgrade providers are in service as before, with their nodes, allocations and pod limits', async () => {
    const { providers: listed } = await listProviders(pool, { limit: 20 });
    expect(Object.fromEntries(listed.map(({ providerId, status }) => [providerId, status]))).toEqual({
      [providers.serves]: 'available',
      [providers.mixed]: 'available',
      [providers.offline]: 'offline',
      // A cordoned provider shows as busy.
      [providers.drains]: 'busy',
      [providers.approved]: 'approved',
      [providers.pending]: 'pending',
    });
    const rented = async (id: string) =>
      Object.fromEntries(
        (await findProvider(pool, id))!.resources.map(({ kind, name, rented: amount, total }) => [
          kind + name,
          [amount, total],
        ]),
      );
    expect(await rented(providers.serves)).toEqual({
      cpu: [12, 64],
      'gpurtx-4090': [2, 8],
      memory: [49_152, 262_144],
      pods: [3, 100],
      storage: [60, 2_000],
    });
    expect(await rented(providers.mixed)).toMatchObject({ 'gpua100-sxm4-80gb': [2, 4], pods: [1, 100] });
    const drains = await findProvider(pool, providers.drains);
    expect(drains).toMatchObject({ retiring: true, drainUntil: new Date('2199-01-01T00:00:00Z') });
    expect((await findProvider(pool, providers.serves))!.availableUntil).toEqual(new Date('2199-01-01T00:00:00Z'));
    const known = await knownProviders(pool);
    expect(known.find(({ providerId }) => providerId === providers.serves)).toMatchObject({
      nodeName: 'serves',
      nodeUid: 'uid-of-serves',
      node: { generation: 0, nodeUid: 'uid-of-serves' },
      nodeReady: true,
      status: 'available',
      heartbeatAlive: true,
      offeredGpus: 8,
    });
    expect((await providersWithNodes(pool)).map(({ providerId }) => providerId).sort()).toEqual([
      'drains',
      'mixed',
      'offline',
      'serves',
    ]);
  });
});

test('after the upgrade a customer of 0.1.0 keeps his paid extensions and bill, and can extend again', async () => {
  await using(databaseOf010, async (config, pool) => {
    await migrate(config);
    const in010 = (await findJob(pool, customer, jobs.running))!;
    const reserved = async () => (await findSession(pool, session))!.reserved;
    const before = await reserved();
    const extend = (requestId: string) =>
      withTransaction(pool, (tx) =>
        extendJob(tx, { jobId: jobs.running, requestId, seconds: 3_600, maxDurationS: 1e10 }),
      );
    // 0.1.0 charged it without recording the time.
    expect(await extend('longer')).toEqual(in010.expiresAt);
    expect((await extend('still longer')).getTime()).toBe(in010.expiresAt!.getTime() + 3_600_000);
    // 0.4 of the GPU, 4 × 0.013 of the cores and 16 × 0.0021 of the memory.
    expect((await reserved()) - before).toBe(485_600_000_000_000_000n);
    const endAt = new Date(in010.startedAt!.getTime() + 5_400_000);
    const settled = await withTransaction(pool, async (tx) => {
      await release(tx, jobs.running);
      return await settleSpend(tx, { jobId: jobs.running, endAt });
    });
    expect(settled).toMatchObject({ billed: { billedMs: 5_400_000 }, charged: 728_400_000_000_000_000n });
    expect(await findAllocation(pool, jobs.running)).toBeUndefined();
    expect(await differingProviders(pool)).toEqual([]);
  });
});
