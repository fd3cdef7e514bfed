import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { pino } from 'pino';
import { createJobNewsActivities } from '../../activities/job-news.js';
import type { ActivityDeps } from '../../activities/deps.js';
import { createSweepActivities } from '../../activities/sweep.js';
import { jobWorkflowId } from '../../src/domain/job.js';
import { providerWorkflowId } from '../../src/domain/provider.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import { testConfig } from '../support/config.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider } from '../support/fleet.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { freshTemporal, type TestTemporal } from '../support/temporal.js';
import { until } from '../support/until.js';

interface Request {
  workflowId?: string;
  workflowExecution?: { workflowId: string };
}

let database: TestDatabase;
let redis: TestRedis;
let temporal: TestTemporal;
let deps: ActivityDeps;
/** Workflows of which the server refuses everything. */
const refused = new Set<string>();

beforeAll(async () => {
  [database, redis, temporal] = await Promise.all([freshDatabase(), freshRedis(), freshTemporal()]);
  const logger = pino({ level: 'silent' });
  const config = testConfig({ ...database.config, ...temporal.config });
  deps = { config, pool: database.pool, redis: redis.redis, temporal: temporal.client, logger } as ActivityDeps;
  for (const call of ['signalWorkflowExecution', 'signalWithStartWorkflowExecution'] as const) {
    const { workflowService } = temporal.client;
    const original = workflowService[call].bind(workflowService) as unknown as (request: Request) => Promise<never>;
    const unlessRefused = async (request: Request) => {
      if (refused.has(request.workflowId ?? request.workflowExecution!.workflowId)) throw new Error('refused');
      return await original(request);
    };
    Object.assign(workflowService, { [call]: unlessRefused });
  }
});
afterAll(async () => {
  await temporal.close();
  await redis.close();
  await database.close();
});

const signalsOf = async (workflowId: string) => {
  const { events } = await temporal.client.workflow.getHandle(workflowId).fetchHistory();
  return events!.filter((event) => event.workflowExecutionSignaledEventAttributes).length;
};

test('a provider whose workflow cannot be signalled holds up no other in a sweep, and is told by the next sweep', async () => {
  const providers = ['a', 'b', 'c', 'd'].map((name) => `${name}-${randomUUID().slice(0, 8)}`);
  for (const providerId of providers) await putProvider(database.pool, { providerId });
  await database.pool.query('update providers set joined_at = null');
  await database.pool.query(
    `update providers set joined_at = now() - interval '1 hour', heartbeat_alive = true where provider_id = any($1)`,
    [providers],
  );
  await database.pool.query(`update provider_heartbeats set last_heartbeat = now() - interval '1 hour'`);
  const { sweepHeartbeats } = createSweepActivities(deps);
  refused.add(providerWorkflowId(providers[0]!));
  expect(await sweepHeartbeats()).toEqual({ silent: 4, returned: 0, failed: 1 });
  for (const providerId of providers.slice(1)) expect(await signalsOf(providerWorkflowId(providerId))).toBe(1);
  refused.clear();
  expect(await sweepHeartbeats()).toEqual({ silent: 1, returned: 0, failed: 0 });
  expect(await signalsOf(providerWorkflowId(providers[0]!))).toBe(1);
  expect(await sweepHeartbeats()).toEqual({ silent: 0, returned: 0, failed: 0 });
});

test('a job whose workflow cannot be signalled holds up no other, and a repeat adds nothing to those that were told', async () => {
  const providerId = `p-${randomUUID().slice(0, 8)}`;
  await putProvider(database.pool, { providerId });
  const jobIds = Array.from({ length: 3 }, () => randomUUID());
  for (const jobId of jobIds) {
    await database.pool.query(
      `insert into allocations (job_id, provider_id, node_name, wallet, gpu_count, cpu_cores, memory_mb, storage_gb, price_per_hour)
       values ($1, $2, 'a node', 'a wallet', 0, 1, 1024, 1, 0)`,
      [jobId, providerId],
    );
    await temporal.client.workflow.start(workflowTypes.job, {
      workflowId: jobWorkflowId(jobId),
      taskQueue: 'nobody',
      args: [{}],
    });
  }
  const { tellJobs } = createJobNewsActivities(deps);
  const change = { providerId, online: false, at: new Date().toISOString() };
  refused.add(jobWorkflowId([...jobIds].sort()[0]!));
  await expect(tellJobs(change)).rejects.toMatchObject({
    code: 'dependency_unavailable',
    detail: '1 of 3 jobs could not be told',
  });
  refused.clear();
  expect(await tellJobs(change)).toBe(3);
  expect(await tellJobs(change)).toBe(3);
  for (const jobId of jobIds) expect(await signalsOf(jobWorkflowId(jobId))).toBe(1);
});

test('a slow comparison does not hold up the others', async () => {
  const made: string[] = [];
  let release: (() => void) | undefined;
  const found = { repairs: {}, failures: [] };
  const compare = (name: string, answer: object = found) => ({
    [name]: async () => {
      made.push(name);
      return answer;
    },
  });
  const activities = {
    async compareWorkflows() {
      const beating = setInterval(() => Context.current().heartbeat(), 1_000);
      await new Promise<void>((resolve) => (release = resolve)).finally(() => clearInterval(beating));
      return { ...found, abandoned: [] };
    },
    ...compare('compareLedger'),
    ...compare('compareMoney', { ...found, booked: 0 }),
    ...compare('comparePods'),
    ...compare('compareTenants', { ...found, namespacesRemoved: 0 }),
    ...compare('compareNodes'),
    ...compare('resyncMining', { synced: [], failures: ['miners of provider x: refused'] }),
    ...compare('tidy', { joinTokens: 1, registrations: 0, delegations: 0, failures: [] }),
    ...compare('signReceipts', { signed: 0 }),
    ...compare('compareFunds'),
  };
  // Beside the providers of the other tests, whose steps nobody takes here.
  const taskQueue = 'reconciler';
  await temporal.startWorker(activities, { taskQueue });
  const handle = await temporal.client.workflow.start(workflowTypes.fleetReconciler, {
    workflowId: `reconciler-${randomUUID()}`,
    taskQueue,
  });
  await until(() => made.length === 9, { timeoutMs: 40_000, budgetMs: 20_000, name: 'the others are made' });
  expect(made).toEqual([
    ...['compareLedger', 'compareMoney', 'comparePods', 'compareTenants', 'compareNodes', 'resyncMining', 'tidy'],
    ...['signReceipts', 'compareFunds'],
  ]);
  release!();
  expect(await handle.result()).toMatchObject({
    failures: ['miners of provider x: refused'],
    tidied: { joinTokens: 1 },
  });
}, 60_000);
