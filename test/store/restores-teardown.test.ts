import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { ApiException } from '@kubernetes/client-node';
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { createPodActivities, type RemovedPod } from '../../activities/pods.js';
import { advanceMark, beginRestore, markPodsSeen, openRestore, type OpenRestore } from '../../src/db/restores.js';
import { jobObjectName, type JobOrder, type Placement } from '../../src/domain/job.js';
import { instantAt } from '../../src/domain/outside.js';
import type { Kubernetes } from '../../src/kubernetes/client.js';
import { testConfig } from '../support/config.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { testOrder } from '../support/fleet.js';

let database: TestDatabase;
beforeEach(async () => {
  database = await freshDatabase();
  await advanceMark(database.pool, '00000001');
});
afterEach(() => database.close());

const logger = pino({ level: 'silent' });
const placement: Placement = { providerId: 'atlas', nodeName: 'atlas', gpuType: 'rtx-4090', pricePerHour: 1 };

/** A cluster with these pods, and nothing else. */
function cluster(pods: readonly JobOrder[]): Kubernetes {
  const there = new Map(pods.map(({ jobId }) => [jobObjectName(jobId), { metadata: { uid: randomUUID() } }]));
  const missing = () => Promise.reject(new ApiException(404, 'not found', {}, {}));
  const core = {
    listPodForAllNamespaces: () => Promise.resolve({ items: [] }),
    readNamespacedPod: ({ name }: { name: string }) => (there.has(name) ? Promise.resolve(there.get(name)) : missing()),
    deleteNamespacedPod: ({ name }: { name: string }) => Promise.resolve(there.delete(name)),
    ...{ readNamespacedSecret: missing, deleteNamespacedSecret: missing },
    ...{ readNamespacedService: missing, deleteNamespacedService: missing },
    ...{ readNode: missing },
  };
  return { core } as unknown as Kubernetes;
}

async function restored(): Promise<OpenRestore> {
  await beginRestore(database.pool, { why: 'older', mark: 40, timeline: '00000001', leftNodes: [] });
  return (await openRestore(database.pool))!;
}

async function removed(order: JobOrder, pods: JobOrder[], { attempt = 1, leaves = false } = {}): Promise<RemovedPod> {
  const { teardownJob } = createPodActivities({
    ...{ config: testConfig(), pool: database.pool, logger, kubernetes: cluster(pods) },
  });
  return await new MockActivityEnvironment({ attempt }).run(() => teardownJob(order, leaves ? placement : undefined));
}

test('a job that ends without a pod after a restore says that it was missing since the backup', async () => {
  const { knownUntil } = await restored();
  expect(await removed(testOrder(), [])).toEqual({ missingSince: instantAt(knownUntil!.getTime()) });
});

test('nothing is said to be missing of a job whose pod was there', async () => {
  await restored();
  const order = testOrder();
  expect(await removed(order, [order])).not.toHaveProperty('missingSince');
});

test('a repeat that finds no pod does not say so, for the first attempt may have removed it', async () => {
  await restored();
  expect(await removed(testOrder(), [], { attempt: 2 })).toEqual({});
});

test('a job that leaves a machine says nothing of the backup', async () => {
  await restored();
  expect(await removed(testOrder(), [], { leaves: true })).not.toHaveProperty('missingSince');
});

test('a pod that is gone once all were seen after the restore was not missing since the backup', async () => {
  const { id, foundAt } = await restored();
  await markPodsSeen(database.pool, id, foundAt);
  expect(await removed(testOrder(), [])).toEqual({});
});

test('a pod that is gone where nothing was restored, or once an operator has looked, was not missing since a backup', async () => {
  expect(await removed(testOrder(), [])).toEqual({});
  await restored();
  await database.pool.query("select restore_is_over('0xoperator', 'nothing is missing')");
  expect(await removed(testOrder(), [])).toEqual({});
});
