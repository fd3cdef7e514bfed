import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { createJobRecordActivities } from '../../activities/job-record.js';
import { createForgottenSteps } from '../../activities/reconciler/forgotten-steps.js';
import { repairLog } from '../../activities/reconciler/repairs.js';
import type { JobRecord } from '../../activities/reconciler/repeated-steps.js';
import { reserveSpend } from '../../src/billing/spend.js';
import { findAllocation } from '../../src/db/allocations.js';
import { placementCandidates } from '../../src/db/candidates.js';
import { gapsOf } from '../../src/db/job-gaps.js';
import { insertJob } from '../../src/db/jobs.js';
import { withTransaction } from '../../src/db/pool.js';
import { advanceMark, beginRestore, openRestore } from '../../src/db/restores.js';
import { BrokerError } from '../../src/domain/errors.js';
import type { JobOrder } from '../../src/domain/job.js';
import { instantAt } from '../../src/domain/outside.js';
import { podObserved, providerChanged, type ProviderChange } from '../../workflows/job-messages.js';
import { carryOut } from '../support/activity.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession, testOrder, testWallet } from '../support/fleet.js';
import { createFlow, type Flow } from '../support/flow.js';
import { runningFlowJob, type FlowJob } from '../support/flow-job.js';

let flow: Flow;
let database: TestDatabase;
beforeAll(async () => {
  flow = await createFlow();
});
afterAll(() => flow?.close());
beforeEach(async () => {
  database = await freshDatabase();
  await putProvider(database.pool, { providerId: 'atlas' });
  await advanceMark(database.pool, '00000001');
});
afterEach(() => database?.close());

const logger = pino({ level: 'silent' });
const record = () => createJobRecordActivities({ pool: database.pool, logger, config: flow.config });

/** A job that runs, in a database that has no more than its order. */
async function forgotten(jobId: string = randomUUID()): Promise<FlowJob> {
  const { pool } = database;
  const order = testOrder({ jobId, providerId: 'atlas' });
  const sessionId = await putSession(pool, order.wallet);
  await withTransaction(pool, async (tx) => {
    const rest = { requestSha256: '', sshPublicKeys: [], env: {}, reservedAmount: 10n ** 18n };
    await insertJob(tx, { ...order, ...rest, sessionId });
    await reserveSpend(tx, { jobId, sessionId, amount: 10n ** 18n });
  });
  const [placement] = await placementCandidates(pool, order, flow.config, 1);
  return await runningFlowJob(flow, { order, steps: { placeJob: () => Promise.resolve(placement!) } });
}

/** Jobs that no workflow knows, with ids between those of the first and the last. */
const addOthers = (count: number) =>
  database.pool.query(
    `insert into jobs (job_id, wallet, request_sha256, image, gpu_count, cpu_cores, memory_mb, storage_gb, duration_s)
     select ('11111111-1111-4111-8111-' || lpad(n::text, 12, '0'))::uuid, $1, '', '', 0, 1, 1, 1, 1
       from generate_series(1, $2::int) n`,
    [testWallet, count],
  );
const idAt = (digit: '0' | 'f') => digit.repeat(8) + randomUUID().slice(8);
/** More than one page. */
const enough = 2_001;

/** One run of the reconciler's step. @returns what it reports to have failed. */
async function writeAgain(steps: JobRecord = record(), environment?: MockActivityEnvironment): Promise<string[]> {
  const { pool } = database;
  const log = repairLog(logger);
  const deps = { config: flow.config, pool, temporal: flow.temporal.client };
  const write = async () => createForgottenSteps(deps, steps).writeAgain((await openRestore(pool))!, log);
  await (environment === undefined ? carryOut(write) : environment.run(write));
  return log.failures;
}
const beginNow = () => beginRestore(database.pool, { why: 'older', mark: 40, timeline: '00000001', leftNodes: [] });
async function rowOf({ order }: { order: Pick<JobOrder, 'jobId'> }) {
  const { rows } = await database.pool.query<{ status: string; expires_at: Date | null }>(
    'select status, expires_at from jobs where job_id = $1',
    [order.jobId],
  );
  return rows[0]!;
}

test('of a job that goes on in a new run, the database gets again what either run wrote down, once', async () => {
  const job = await forgotten();
  await job.extend('in the first run', 3_600);
  const hears = (change: Pick<ProviderChange, 'online' | 'since'>) =>
    job.handle.signal(providerChanged, { providerId: 'atlas', at: instantAt(Date.now()), ...change });
  await hears({ online: false, since: instantAt(Date.now() - 8_000) });
  await job.asksFor('recordService');
  await hears({ online: true });
  await job.asksFor('recordService', 2);
  const before = (await job.handle.describe()).runId;
  await flow.startOver(job.handle, (message) =>
    job.handle.signal<[object]>(podObserved.name, { phase: 'pending', uid: 'another', resourceVersion: '1', message }),
  );
  expect((await job.handle.describe()).runId).not.toBe(before);
  const { expiresAt } = await job.extend('in the second run', 60);
  await beginNow();

  for (let time = 0; time < 2; time++) {
    expect(await writeAgain()).toEqual([]);
    expect(await rowOf(job)).toEqual({ status: 'running', expires_at: new Date(expiresAt) });
    expect(await findAllocation(database.pool, job.order.jobId)).toMatchObject({ providerId: 'atlas' });
    expect(await gapsOf(database.pool, job.order.jobId)).toHaveLength(1);
    const { rows } = await database.pool.query<{ request_id: string }>(
      `select request_id from auth_charges where job_id = $1 and request_id <> '' order by request_id`,
      [job.order.jobId],
    );
    expect(rows.map(({ request_id }) => request_id)).toEqual(['in the first run', 'in the second run']);
    expect(await openRestore(database.pool)).toMatchObject({ areStepsWritten: true });
    // The next restore to the same backup.
    await beginNow();
  }
  await job.cancel();
});

test('steps of jobs on all pages are written again in one run', async () => {
  const jobs = [await forgotten(idAt('0')), await forgotten(idAt('f'))] as const;
  await addOthers(enough);
  await beginNow();
  expect(await writeAgain()).toEqual([]);
  for (const job of jobs) expect(await rowOf(job)).toMatchObject({ status: 'running' });
  expect(await openRestore(database.pool)).toMatchObject({ areStepsWritten: true });
  for (const job of jobs) await job.cancel();
});

test('a step that fails holds up no later page, and is tried again from the first', async () => {
  const jobs = [await forgotten(idAt('0')), await forgotten(idAt('f'))] as const;
  await addOthers(enough);
  await beginNow();
  let isAway = true;
  const steps: JobRecord = {
    ...record(),
    async recordRunning(order, running) {
      if (isAway && order.jobId === jobs[0].order.jobId) throw new BrokerError('dependency_unavailable', 'away');
      return await record().recordRunning(order, running);
    },
  };
  expect(await writeAgain(steps)).toEqual([expect.stringContaining(jobs[0].order.jobId)]);
  expect(await rowOf(jobs[0])).toMatchObject({ status: 'provisioning' });
  expect(await rowOf(jobs[1])).toMatchObject({ status: 'running' });
  const again = await openRestore(database.pool);
  expect(again).toMatchObject({ areStepsWritten: false });
  expect(again).not.toHaveProperty('stepsWrittenAfter');
  isAway = false;
  expect(await writeAgain(steps)).toEqual([]);
  expect(await rowOf(jobs[0])).toMatchObject({ status: 'running' });
  expect(await openRestore(database.pool)).toMatchObject({ areStepsWritten: true });
  for (const job of jobs) await job.cancel();
});

test('a run that is cut short goes on at the page where it was, and does not repeat those before', async () => {
  const jobs = [await forgotten(idAt('0')), await forgotten(idAt('f'))] as const;
  await addOthers(enough);
  await beginNow();
  const environment = new MockActivityEnvironment();
  const asked: string[] = [];
  const steps: JobRecord = {
    ...record(),
    async recordRunning(order, running) {
      asked.push(order.jobId);
      environment.cancel();
      return await record().recordRunning(order, running);
    },
  };
  await expect(writeAgain(steps, environment)).rejects.toThrow();
  const cut = await openRestore(database.pool);
  expect(cut).toMatchObject({ areStepsWritten: false, stepsWrittenAfter: expect.stringMatching(/^1{8}-.*1999$/) });
  expect(await rowOf(jobs[1])).toMatchObject({ status: 'pending' });
  expect(await writeAgain(steps)).toEqual([]);
  expect(asked).toEqual(jobs.map(({ order }) => order.jobId));
  expect(await openRestore(database.pool)).toMatchObject({ areStepsWritten: true });
  for (const job of jobs) await job.cancel();
});
