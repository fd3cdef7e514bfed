import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createJobRecordActivities } from '../../activities/job-record.js';
import { repeatSteps } from '../../activities/reconciler/forgotten-steps.js';
import { repairLog } from '../../activities/reconciler/repairs.js';
import { reserveSpend } from '../../src/billing/spend.js';
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
async function repeated(order: JobOrder, recorded: RecordedStep[]) {
  const log = repairLog(logger);
  await repeatSteps(database.pool, record(), { jobId: order.jobId, recorded }, log);
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
