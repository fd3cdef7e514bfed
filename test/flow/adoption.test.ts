import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { pino } from 'pino';
import { createWorkflowComparison } from '../../activities/reconciler/workflows.js';
import { reserveSpend } from '../../src/billing/spend.js';
import { allocate } from '../../src/db/allocations.js';
import { placementCandidates } from '../../src/db/candidates.js';
import { markRunning } from '../../src/db/job-changes.js';
import { insertJob } from '../../src/db/jobs.js';
import { withoutPrices } from '../../src/db/offers.js';
import { withTransaction } from '../../src/db/pool.js';
import { drain } from '../../src/db/provider-operations.js';
import { jobWorkflowId } from '../../src/domain/job.js';
import type { JobLifecycle } from '../../workflows/job-messages.js';
import { carryOut } from '../support/activity.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, putSession, testOrder } from '../support/fleet.js';
import { createFlow, type Flow, type Steps } from '../support/flow.js';
import { neverRestored } from '../support/restores.js';
import { until } from '../support/until.js';

let flow: Flow;
let database: TestDatabase;
beforeAll(async () => {
  [flow, database] = await Promise.all([createFlow(), freshDatabase()]);
});
afterAll(async () => {
  await flow.close();
  await database.close();
});

/**
 * A job that runs by what its row says, whose workflow nobody has, and which the reconciler finds; `happen` to its
 * provider before.
 */
async function adopted(happen: (providerId: string) => Promise<unknown>, steps: Steps = {}) {
  const { pool } = database;
  // The rows of the test before are not closed: its steps write nothing down.
  await pool.query('truncate jobs, allocations, providers cascade');
  const providerId = `prov-${randomUUID().slice(0, 8)}`;
  await putProvider(pool, { providerId });
  const order = testOrder({ providerId });
  const { jobId } = order;
  const sessionId = await putSession(pool, order.wallet);
  await withTransaction(pool, async (tx) => {
    const rest = { requestSha256: '', sshPublicKeys: [], env: {}, reservedAmount: 10n ** 18n };
    await insertJob(tx, { ...order, ...rest, sessionId });
    await reserveSpend(tx, { jobId, sessionId, amount: 10n ** 18n });
  });
  const [place] = await placementCandidates(pool, order, withoutPrices, 1);
  expect(await allocate(pool, order, place!)).toBe('allocated');
  const ssh = { host: '198.18.0.1', port: 30_000, user: 'root', hostKey: 'ssh-ed25519 AAAA' } as const;
  const startedAt = new Date(Date.now() - 120_000);
  const expiresAt = new Date(startedAt.getTime() + 3_600_000);
  await markRunning(pool, jobId, { ssh, podUid: 'its pod', startedAt, expiresAt });
  await pool.query(`update jobs set created_at = now() - interval '1 hour' where job_id = $1`, [jobId]);
  await happen(providerId);
  const nothing = () => Promise.resolve({});
  const noted = () => Promise.resolve();
  flow.answers(jobId, {
    recordService: noted,
    recordEnding: noted,
    teardownJob: nothing,
    releaseJob: nothing,
    ...steps,
  });
  flow.answers(providerId, steps);
  const config = { ...flow.config, RECONCILER_GRACE_S: 1, PROVIDER_LOSS_GRACE_S: 1 };
  const { compareWorkflows } = createWorkflowComparison(
    { config, pool, temporal: flow.temporal.client, logger: pino({ level: 'silent' }) },
    {
      inspectNode: ({ nodeName }) => Promise.resolve({ nodeName, uid: '', state: 'ready', gpus: 8 }),
      recordRunning: noted,
      recordExtension: () => Promise.reject(new Error('nothing was forgotten')),
    },
    neverRestored,
  );
  const found = await carryOut(compareWorkflows);
  expect(found).toMatchObject({ abandoned: [], failures: [], repairs: { job_without_workflow: 1 } });
  const handle = flow.temporal.client.workflow.getHandle<JobLifecycle>(jobWorkflowId(jobId));
  const released = async () => {
    await handle.result();
    return flow.asked(jobId).find(({ step }) => step === 'releaseJob')!.args[1] as Record<string, unknown>;
  };
  return { jobId, handle, released };
}

test('a job found without a workflow while its provider is away is told so, and is lost after the grace', async () => {
  const silentSince = new Date(Date.now() - 60_000);
  const { jobId, released } = await adopted(
    async (providerId) => {
      await database.pool.query(
        `update providers set status = 'offline', heartbeat_alive = false where provider_id = $1`,
        [providerId],
      );
      await database.pool.query(
        `insert into provider_heartbeats (provider_id, last_heartbeat) values ($1, $2)
         on conflict (provider_id) do update set last_heartbeat = excluded.last_heartbeat`,
        [providerId, silentSince],
      );
    },
    { checkLoss: () => Promise.resolve('lost') },
  );
  expect(await released()).toMatchObject({ status: 'provider_lost', lastSeen: silentSince.toISOString() });
  const [told] = flow.asked(jobId);
  expect(told).toMatchObject({ step: 'recordService', args: [{ jobId, gaps: [] }] });
  expect((told!.args[0] as { message: string }).message).toContain(silentSince.toISOString());
});

test('a job found without a workflow while its provider is drained ends at the deadline, and is not extended', async () => {
  // Long enough for the extension to come before it.
  const deadline = new Date(Date.now() + 10_000);
  const { jobId, released } = await adopted((providerId) =>
    drain(database.pool, providerId, { until: deadline, retire: false }),
  );
  await expect(flow.commands.extend(jobId, 'one', 60)).rejects.toMatchObject({
    code: 'provider_drained',
  });
  expect(await released()).toMatchObject({ status: 'cancelled', failure: { reason: 'provider_drained' } });
  expect(Date.now()).toBeGreaterThanOrEqual(deadline.getTime());
});

test('a job found without a workflow at a provider in service continues as before', async () => {
  const { jobId, handle } = await adopted(() => Promise.resolve());
  const state = () => handle.query<{ status: string }>('jobState');
  await until(async () => (await state()).status === 'running', { name: 'the job runs' });
  expect(flow.asked(jobId)).toEqual([]);
  expect(await flow.commands.cancel(jobId, 'its owner', 60_000)).toMatchObject({ status: 'cancelled' });
});
