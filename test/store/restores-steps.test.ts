import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createJobRecordActivities } from '../../activities/job-record.js';
import { repeatSteps } from '../../activities/reconciler/repeated-steps.js';
import { repairLog } from '../../activities/reconciler/repairs.js';
import { reserveSpend } from '../../src/billing/spend.js';
import { findAllocation } from '../../src/db/allocations.js';
import { placementCandidates } from '../../src/db/candidates.js';
import { gapsOf } from '../../src/db/job-gaps.js';
import { insertJob } from '../../src/db/jobs.js';
import { withTransaction } from '../../src/db/pool.js';
import { findOut, recordFailure } from '../../src/db/provider-failures.js';
import type { JobOrder, Placement } from '../../src/domain/job.js';
import type { RecordedStep } from '../../src/temporal/recorded-steps.js';
import { testConfig } from '../support/config.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession, testOrder } from '../support/fleet.js';

let database: TestDatabase;
beforeEach(async () => {
  database = await freshDatabase();
  await putProvider(database.pool, { providerId: 'atlas' });
});
afterEach(() => database.close());

const logger = pino({ level: 'silent' });
const record = () => createJobRecordActivities({ pool: database.pool, logger, config: testConfig() });

async function ordered(): Promise<JobOrder> {
  const order = testOrder({ providerId: 'atlas' });
  const sessionId = await putSession(database.pool, order.wallet);
  await withTransaction(database.pool, async (tx) => {
    const rest = { requestSha256: '', sshPublicKeys: [], env: {}, reservedAmount: 10n ** 18n };
    await insertJob(tx, { ...order, ...rest, sessionId });
    await reserveSpend(tx, { jobId: order.jobId, sessionId, amount: 10n ** 18n });
  });
  return order;
}

const startedAt = new Date(Date.now() - 600_000);
function ran(order: JobOrder, placement: Placement): RecordedStep[] {
  const ssh = { host: '198.18.0.1', port: 30_000, user: 'root', hostKey: 'ssh-ed25519 AAAA' };
  const expiresAt = new Date(startedAt.getTime() + order.durationSeconds * 1000).toISOString();
  const run = { ssh, podUid: 'its pod', startedAt: startedAt.toISOString(), expiresAt };
  return [
    { step: 'placeJob', args: [order, 1] },
    { step: 'provisionJob', args: [order, placement] },
    { step: 'recordRunning', args: [order, run] },
  ];
}
async function repeated(order: JobOrder, recorded: RecordedStep[], foundAt = new Date()) {
  const log = repairLog(logger);
  const deps = { pool: database.pool, config: testConfig() };
  await repeatSteps(deps, record(), { jobId: order.jobId, recorded }, { log, restore: { foundAt } });
  return log.failures;
}
const statusOf = async ({ jobId }: JobOrder) =>
  (await database.pool.query<{ status: string }>('select status from jobs where job_id = $1', [jobId])).rows[0]!.status;

test('a start that the database has forgotten is written again', async () => {
  const order = await ordered();
  const placement = await record().placeJob(order);
  expect(await repeated(order, ran(order, placement))).toEqual([]);
  expect(await statusOf(order)).toBe('running');
});

test('a start that the database knows lifts no suspension of its provider', async () => {
  const order = await ordered();
  const placement = await record().placeJob(order);
  const steps = ran(order, placement);
  await repeated(order, steps);
  const failure = { jobId: order.jobId, attempt: 9, providerId: 'atlas', wallet: order.wallet, reason: 'pod_refused' };
  await recordFailure(database.pool, failure as never, { PROVIDER_OUT_WALLETS: 1, PROVIDER_OUT_S: 600 });
  expect(await findOut(database.pool, 'atlas')).toBeDefined();
  await repeated(order, steps);
  expect(await findOut(database.pool, 'atlas')).toBeDefined();
});

test('a job that was placed after the backup holds its machine again, at its price, before it is written that it runs', async () => {
  const order = await ordered();
  const [placement] = await placementCandidates(database.pool, order, testConfig(), 1);
  expect(await repeated(order, ran(order, placement!))).toEqual([]);
  expect(await statusOf(order)).toBe('running');
  expect(await findAllocation(database.pool, order.jobId)).toMatchObject({
    ...{ providerId: 'atlas', pricePerHour: placement!.pricePerHour },
  });
});

test('a job that moved after the backup is not written down as running at the machine that it had left', async () => {
  const order = await ordered();
  const placement = await record().placeJob(order);
  const moved = { ...placement, providerId: 'borealis', nodeName: 'borealis' };
  expect(await repeated(order, ran(order, moved))).toEqual([
    expect.stringContaining('it ran at borealis, and the database says atlas'),
  ]);
  expect(await statusOf(order)).toBe('provisioning');
});

test('a machine that takes no jobs right after a restore is tried again for an hour', async () => {
  const order = await ordered();
  const [placement] = await placementCandidates(database.pool, order, testConfig(), 1);
  await database.pool.query(`update providers set status = 'offline'`);
  await expect(repeated(order, ran(order, placement!))).rejects.toMatchObject({ code: 'no_capacity' });
  const anHourAgo = new Date(Date.now() - 3_600_001);
  expect(await repeated(order, ran(order, placement!), anHourAgo)).toEqual([expect.stringContaining('taken')]);
});

test('absences of a provider since the backup are written again, once each', async () => {
  const order = await ordered();
  const placement = await record().placeJob(order);
  const steps = ran(order, placement);
  const at = (seconds: number) => new Date(startedAt.getTime() + seconds * 1000).toISOString();
  const gaps = [{ from: at(60), to: at(120), cause: 'silent' }];
  steps.push({ step: 'recordService', args: [{ jobId: order.jobId, message: '', gaps }] });
  expect(await repeated(order, steps)).toEqual([]);
  expect(await repeated(order, steps)).toEqual([]);
  expect(await gapsOf(database.pool, order.jobId)).toEqual([{ fromMs: Date.parse(at(60)), toMs: Date.parse(at(120)) }]);
});
