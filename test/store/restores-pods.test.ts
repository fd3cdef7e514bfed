import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { pino } from 'pino';
import { createPodComparison } from '../../activities/reconciler/pods.js';
import { createRestoreWatch } from '../../activities/reconciler/restored.js';
import { installationId } from '../../src/db/installation.js';
import { openRestore, readMark } from '../../src/db/restores.js';
import type { Kubernetes } from '../../src/kubernetes/client.js';
import { labels } from '../../src/kubernetes/names.js';
import { carryOut } from '../support/activity.js';
import { testConfig } from '../support/config.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { testWallet } from '../support/fleet.js';

let database: TestDatabase;
beforeEach(async () => {
  database = await freshDatabase();
});
afterEach(() => database.close());

const logger = pino({ level: 'silent' });
const listed = { metadata: {}, items: [] as object[] };

/**
 * A comparison of pods in a cluster that has seen `mark` of the database.
 *
 * @param meanwhile happens while pods are listed.
 */
async function comparison(mark: () => number, pods: object[], meanwhile: () => void = () => undefined) {
  const removed: string[] = [];
  const installation = await installationId(database.pool);
  const annotations = () => ({ [`worldland.io/database-mark.${installation}`]: String(mark()) });
  const core = {
    readNamespacedConfigMap: () => Promise.resolve({ metadata: { annotations: annotations() }, data: {} }),
    listPodForAllNamespaces: () => {
      meanwhile();
      return Promise.resolve({ ...listed, items: pods });
    },
    readNamespacedPod: ({ name }: { name: string }) =>
      Promise.resolve(pods.find((pod) => (pod as { metadata: { name: string } }).metadata.name === name)),
    deleteNamespacedPod: ({ name }: { name: string }) => Promise.resolve({ number: removed.push(name) }),
  } as unknown as Kubernetes['core'];
  const gone = (workflowId: string) => Promise.reject(new WorkflowNotFoundError('not found', workflowId, undefined));
  const temporal = {
    workflow: { getHandle: (id: string) => ({ describe: () => gone(id), signal: () => gone(id) }) },
  } as unknown as Client;
  const config = testConfig({ RECONCILER_GRACE_S: 1 });
  const deps = { config, pool: database.pool, kubernetes: { core } as Kubernetes, temporal, logger };
  const { comparePods } = createPodComparison(deps, createRestoreWatch(deps));
  return { compare: () => carryOut(comparePods), removed };
}

function podOf(jobId: string): object {
  const metadata = {
    name: `job-${jobId}`,
    namespace: 'tenant-1',
    uid: randomUUID(),
    labels: { [labels.jobId]: jobId },
  };
  return { metadata: { ...metadata, creationTimestamp: new Date(Date.now() - 600_000) } };
}

test('an older database that takes over while pods are compared removes none by what the one before it said', async () => {
  await readMark(database.pool);
  let mark = 0;
  const { compare, removed } = await comparison(
    () => mark,
    [podOf(randomUUID())],
    () => void (mark = 40),
  );
  expect(await compare()).toEqual({ repairs: {}, failures: [] });
  expect(removed).toEqual([]);
  expect(await openRestore(database.pool)).toMatchObject({ why: 'older', arePodsSeen: false });
});

test('a pod that nobody knows is removed where nothing was restored', async () => {
  const { compare, removed } = await comparison(() => 0, [podOf(randomUUID())]);
  expect(await compare()).toEqual({ repairs: { pod_orphaned: 1 }, failures: [] });
  expect(removed).toHaveLength(1);
});

test('the first comparison after a restore has seen all pods only if every job without a pod was told', async () => {
  const { pool } = database;
  const { compare } = await comparison(() => 40, []);
  const jobId = randomUUID();
  await pool.query(
    `insert into jobs (job_id, wallet, request_sha256, image, gpu_count, cpu_cores, memory_mb, storage_gb, duration_s,
                       status, started_at, pod_uid)
     values ($1, $2, '', '', 0, 1, 1, 1, 1, 'running', now() - interval '1 hour', 'its pod')`,
    [jobId, testWallet],
  );
  await compare();
  expect(await openRestore(pool)).toMatchObject({ arePodsSeen: false });
  await pool.query(`update jobs set status = 'failed', ended_at = now() where job_id = $1`, [jobId]);
  await compare();
  expect(await openRestore(pool)).toMatchObject({ arePodsSeen: true });
});
