import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { JobCommands } from '../../src/api/job-commands.js';
import { BrokerError } from '../../src/domain/errors.js';
import type { ProviderCommand } from '../../src/api/provider-commands.js';
import { providerOperationRoutes } from '../../src/api/routes/provider-operations.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putBelongings } from '../support/owned.js';
import { newWallet } from '../support/api.js';
import { startTestApi, walletA, type TestApi } from '../unit/api-harness.js';

let database: TestDatabase;
let api: TestApi;
let cancelled: Awaited<ReturnType<JobCommands['cancel']>>[] = [];
let extensions: ('extended' | 'job_not_running')[] = [];
let started: { jobId: string; waitMs: number }[] = [];
let ordered: ProviderCommand[] = [];
let jobId: string;
let providerId: string;

beforeAll(async () => {
  database = await freshDatabase();
  const { pool } = database;
  const jobs: JobCommands = {
    async startAndWait(order, waitMs) {
      started.push({ jobId: order.jobId, waitMs });
      return 'still_starting';
    },
    cancel: async () => cancelled.shift() ?? 'still_ending',
    async extend() {
      const answer = extensions.shift();
      if (answer !== 'extended') throw new BrokerError(answer ?? 'job_ended', 'so says its workflow');
      return { expiresAt: new Date().toISOString() };
    },
  };
  const config = { JOB_MAX_DURATION_S: 3_600, ALLOW_FREE_JOBS: true, GPU_DEFAULT_PRICES: [] as never };
  const order = async (_: string, command: ProviderCommand) => void ordered.push(command);
  api = await startTestApi({ pool, jobs, routes: providerOperationRoutes({ config, pool, providers: { order } }) });
});
afterAll(async () => {
  await api.stop();
  await database.close();
});
beforeEach(async () => {
  [cancelled, extensions, started, ordered] = [[], [], [], []];
  ({ jobId, providerId } = await putBelongings(database.pool, newWallet()));
  await database.pool.query('update jobs set wallet = $2 where job_id = $1', [jobId, walletA]);
  await database.pool.query('update providers set wallet_addr = $2 where provider_id = $1', [providerId, walletA]);
});

const is = (change: string) => database.pool.query(`update jobs set ${change} where job_id = $1`, [jobId]);
const get = async () => (await api.send('GET', `/api/v1/jobs/${jobId}`, { as: 'a' })).json;
const end = (headers: Record<string, string> = {}) => api.send('DELETE', `/api/v1/jobs/${jobId}`, { as: 'a', headers });

describe('extension of a job', () => {
  const extend = () => api.send('POST', `/api/v1/jobs/${jobId}/extend`, { as: 'a', json: { additional_hours: 0.5 } });

  test('a job that its customer sees running is extended as soon as its workflow has heard that it runs', async () => {
    await is(`status = 'running', started_at = now(), expires_at = now() + interval '1 hour'`);
    extensions = ['job_not_running', 'job_not_running', 'extended'];
    expect((await extend()).status).toBe(200);
    expect(extensions).toEqual([]);
  });

  test('a job that does not run yet is not extended', async () => {
    await is(`status = 'provisioning'`);
    extensions = ['job_not_running', 'extended'];
    const { status, json } = await extend();
    expect([status, json.code]).toEqual([409, 'job_not_running']);
    expect(extensions).toEqual(['extended']);
  });
});

describe('cancellation of a job', () => {
  test('a cancellation that takes longer is answered with where and when to ask again', async () => {
    const { status, headers, json } = await end({ prefer: 'wait=3' });
    expect([status, json.job_id]).toEqual([202, jobId]);
    expect(headers).toMatchObject({
      ...{ location: `/api/v1/jobs/${jobId}`, 'retry-after': '2', 'preference-applied': 'wait=3' },
    });
  });

  test('a cancellation of an ended job returns its end again', async () => {
    await is(`status = 'cancelled', ended_at = now()`);
    const { status, headers, json } = await end();
    expect([status, json.status, headers['retry-after']]).toEqual([200, 'cancelled', undefined]);
  });

  test('a cancellation of a job whose workflow never started starts it, so that its reservation is returned', async () => {
    await is(`status = 'pending', started_at = null`);
    cancelled = ['no_workflow', 'still_ending'];
    expect((await end()).status).toBe(202);
    expect(started).toEqual([{ jobId, waitMs: 0 }]);
  });

  test('a cancellation of a job whose workflow is missing must be repeated, and is not reported as done', async () => {
    cancelled = ['no_workflow'];
    const { status, json } = await end();
    expect([status, json.code, json.job_id]).toEqual([503, 'dependency_unavailable', jobId]);
    expect(started).toEqual([]);
  });
});

describe('a job', () => {
  const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl';

  test('a job shows its SSH access while it runs, and no longer', async () => {
    await is(`ssh_host = '203.0.113.7', ssh_port = 30001, ssh_host_key = '${key}'`);
    expect(await get()).toMatchObject({
      ...{ ssh_host: '203.0.113.7', ssh_port: 30_001, ssh_host_key: key },
      ssh_host_key_fingerprint: expect.stringMatching(/^SHA256:[A-Za-z0-9+/]{43}$/),
      known_hosts: expect.stringContaining(key),
    });
    await is(`status = 'expired', ended_at = now()`);
    const ended = await get();
    expect(Object.keys(ended).filter((name) => name.startsWith('ssh') || name === 'known_hosts')).toEqual([]);
  });

  test.each([
    ['out_of_memory', { action: 'increase_memory', recommended_memory: '5Gi' }],
    ['disk_full', { action: 'increase_storage', recommended_storage: '14Gi' }],
  ])('a job that ended by %s says what to order instead', async (cause, suggestion) => {
    await is(
      `status = 'failed', ended_at = now(), memory_mb = 2500, storage_gb = 7, failure_reason = 'container_exited',
       failure_message = 'it ended', failure_cause = '${cause}'`,
    );
    const job = await get();
    expect(job).toMatchObject({ failure_reason: 'container_exited', suggestion });
    expect(job.suggestion.message).toContain(Object.values(suggestion)[1]);
  });

  test('a job that ended for another reason suggests nothing', async () => {
    await is(`status = 'failed', ended_at = now(), failure_reason = 'no_capacity', failure_message = 'none'`);
    expect(await get()).not.toHaveProperty('suggestion');
  });
});

describe('an operator command', () => {
  const send = (action: string, json?: object) =>
    api.send('POST', `/api/v1/providers/${providerId}/${action}`, {
      as: 'a-provider',
      ...(json === undefined ? {} : { json }),
    });

  test.each([
    ['cordon', 'cordon', 200],
    ['uncordon', 'uncordon', 200],
    ['drain', 'drain', 200],
    ['maintenance', 'drain', 200],
    ['retire', 'retire', 202],
  ])('the command %s is passed on as %s, with the wallet that gave it', async (path, action, status) => {
    expect((await send(path)).status).toBe(status);
    expect(ordered).toEqual([{ action, by: walletA }]);
  });

  test.each(['drain', 'maintenance', 'retire'])(
    'the command %s ends the jobs after the given number of seconds',
    async (path) => {
      const beforeMs = Date.now();
      await send(path, { deadline_s: 600 });
      const untilMs = ordered[0]!.until!.getTime() - 600_000;
      expect(untilMs).toBeGreaterThanOrEqual(beforeMs);
      expect(untilMs).toBeLessThanOrEqual(Date.now());
      expect((await send(path, { deadline_s: 3_600 })).status).toBeLessThan(300);
      for (const deadline_s of [-1, 3_601, 1.5]) expect((await send(path, { deadline_s })).status).toBe(422);
      expect(ordered).toHaveLength(2);
    },
  );

  test('an operator command for a provider that has left the fleet is refused', async () => {
    await database.pool.query(`update providers set status = 'retired', cordoned = true where provider_id = $1`, [
      providerId,
    ]);
    const { status, json } = await send('cordon');
    expect([status, json.code, ordered]).toEqual([409, 'provider_retired', []]);
  });
});
