import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { ApiException } from '@kubernetes/client-node';
import type { Client } from '@temporalio/client';
import { pino } from 'pino';
import { createPodComparison } from '../../activities/reconciler/pods.js';
import { jobObjectName } from '../../src/domain/job.js';
import type { Kubernetes } from '../../src/kubernetes/client.js';
import { labels } from '../../src/kubernetes/names.js';
import { carryOut } from '../support/activity.js';
import { testConfig } from '../support/config.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { testWallet } from '../support/fleet.js';
import { neverRestored } from '../support/restores.js';
import { sshKeys } from '../unit/api-ssh-keys.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await freshDatabase();
});
afterAll(() => database?.close());

/** The Secrets of a cluster, by their names, whether the broker may change them, and what it was warned of. */
const secrets = new Map<string, { metadata: object; data: object }>();
let mayPatch = true;
let warnings: string[] = [];

const refused = (code: number, message: string) =>
  Promise.reject(new ApiException(code, 'refused', JSON.stringify({ code, message }), {}));
const core = {
  listPodForAllNamespaces: () => Promise.resolve({ items: [], metadata: {} }),
  readNamespacedSecret: ({ name }: { name: string }) =>
    secrets.has(name) ? Promise.resolve(secrets.get(name)) : refused(404, 'not found'),
  patchNamespacedSecret: () => (mayPatch ? Promise.resolve({}) : refused(403, 'the broker may not patch Secrets')),
} as unknown as Kubernetes['core'];

const compare = async () => {
  warnings = [];
  const { comparePods } = createPodComparison(
    {
      config: testConfig({ RECONCILER_GRACE_S: 1 }),
      pool: database.pool,
      kubernetes: { core } as Kubernetes,
      temporal: {} as Client,
      logger: pino(
        { level: 'warn' },
        { write: (line) => void warnings.push((JSON.parse(line) as { msg: string }).msg) },
      ),
    },
    neverRestored,
  );
  return await carryOut(comparePods);
};

/** A job that waits for a key. */
async function waitingJob(status: 'running' | 'ending' = 'running'): Promise<string> {
  const jobId = randomUUID();
  await database.pool.query(
    `insert into jobs (job_id, wallet, request_sha256, image, gpu_count, cpu_cores, memory_mb, storage_gb, duration_s,
                       status, started_at, ssh_public_keys, ssh_keys_changed_at, takes_ssh_keys)
     values ($1, $2, '', '', 0, 1, 1, 1, 1, $3, now(), array[$4], now() - interval '1 minute', true)`,
    [jobId, testWallet, status, sshKeys.ed25519],
  );
  return jobId;
}
const putSecret = (jobId: string, owner = jobId) =>
  void secrets.set(jobObjectName(jobId), { metadata: { labels: { [labels.jobId]: owner } }, data: {} });
const row = async (jobId: string) => {
  const { rows } = await database.pool.query<{ waits: boolean; takes: boolean }>(
    'select ssh_keys_changed_at is not null as waits, takes_ssh_keys as takes from jobs where job_id = $1',
    [jobId],
  );
  return rows[0]!;
};

test('keys that may not be brought are a failure of each run, and one repair when they may', async () => {
  const jobId = await waitingJob();
  putSecret(jobId);
  mayPatch = false;
  for (let run = 0; run < 2; run++) {
    const { repairs, failures } = await compare();
    expect([repairs, failures]).toEqual([{}, [expect.stringContaining(`keys of job ${jobId}: `)]]);
  }
  expect(await row(jobId)).toEqual({ waits: true, takes: true });
  mayPatch = true;
  expect(await compare()).toEqual({ repairs: { ssh_keys_differ: 1 }, failures: [] });
  expect(await row(jobId)).toEqual({ waits: false, takes: true });
  expect(await compare()).toEqual({ repairs: {}, failures: [] });
});

test('a running job without a Secret of its own takes no keys any more, which is said once', async () => {
  const lost = await waitingJob();
  const others = await waitingJob();
  putSecret(others, randomUUID());
  expect(await compare()).toEqual({ repairs: { ssh_keys_differ: 2 }, failures: [] });
  expect(warnings.filter((line) => line.includes('its Secret is not there'))).toHaveLength(2);
  for (const jobId of [lost, others]) expect(await row(jobId)).toEqual({ waits: false, takes: false });
  expect(await compare()).toEqual({ repairs: {}, failures: [] });
  expect(warnings).toEqual([]);
});

test('the Secret of a job that ends is not missed', async () => {
  const jobId = await waitingJob('ending');
  expect(await compare()).toEqual({ repairs: {}, failures: [] });
  expect(await row(jobId)).toEqual({ waits: true, takes: true });
});
