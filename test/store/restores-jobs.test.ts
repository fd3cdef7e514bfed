import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { pino } from 'pino';
import type { ReleasedJob } from '../../activities/job-outcome.js';
import { createAbandonedJobEnd, createWorkflowComparison } from '../../activities/reconciler/workflows.js';
import { advanceMark, beginRestore, openRestore } from '../../src/db/restores.js';
import { instantAt } from '../../src/domain/outside.js';
import { carryOut } from '../support/activity.js';
import { testConfig } from '../support/config.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { testOrder, testWallet } from '../support/fleet.js';
import { neverRestored } from '../support/restores.js';

let database: TestDatabase;
beforeEach(async () => {
  database = await freshDatabase();
});
afterEach(() => database.close());

const logger = pino({ level: 'silent' });
const notForgotten = () => Promise.reject(new Error('nothing was forgotten'));
/** Temporal knows of no workflow: it was restored as well. */
const temporal = {
  workflow: {
    async *list() {
      return;
    },
    getHandle: (id: string) => ({ describe: () => Promise.reject(new WorkflowNotFoundError('gone', id, undefined)) }),
  },
} as unknown as Client;

test.each(['running', 'ending'] as const)(
  'a job that was %s at the backup and has no pod is charged until the backup, also if its time is over',
  async (status) => {
    const { pool } = database;
    const jobId = randomUUID();
    await pool.query(
      `insert into jobs (job_id, wallet, request_sha256, image, gpu_count, cpu_cores, memory_mb, storage_gb, duration_s,
                         status, created_at, started_at, expires_at, pod_uid, ssh_host, ssh_port)
       values ($1, $2, '', '', 0, 1, 1, 1, 1, $3, now() - interval '2 hours', now() - interval '2 hours',
               now() - interval '1 hour', 'its pod', '198.18.0.1', 30000)`,
      [jobId, testWallet, status],
    );
    await advanceMark(pool, '00000001');
    await beginRestore(pool, { why: 'older', mark: 40, timeline: '00000001', leftNodes: [] });
    const restore = await openRestore(pool);
    const { compareWorkflows } = createWorkflowComparison(
      { config: testConfig({ RECONCILER_GRACE_S: 1 }), pool, temporal, logger },
      { inspectNode: notForgotten, recordRunning: notForgotten, recordExtension: notForgotten },
      { ...neverRestored, look: () => Promise.resolve(restore) },
    );
    expect(await carryOut(compareWorkflows)).toMatchObject({
      failures: [],
      repairs: {},
      abandoned: [{ order: { jobId }, servedUntil: restore!.knownUntil!.toISOString() }],
    });
    expect(await openRestore(pool)).toMatchObject({ areStepsWritten: true });
  },
);

test.each([
  ['what it says itself', { podEndedAt: instantAt(5_000), missingSince: instantAt(9_000) }, instantAt(5_000)],
  ['the backup, if it was missing then', { missingSince: instantAt(9_000) }, instantAt(9_000)],
])('the end of the pod of an abandoned job is %s', async (_, removed, podEndedAt) => {
  let released: ReleasedJob | undefined;
  const { endAbandonedJob } = createAbandonedJobEnd(
    { logger },
    {
      recordEnding: () => Promise.resolve(),
      teardownJob: () => Promise.resolve(removed),
      releaseJob: (_order, outcome) => Promise.resolve(void (released = outcome)),
    },
  );
  const job = { order: testOrder(), message: 'its pod was gone', servedUntil: instantAt(60_000) };
  await endAbandonedJob(job as Parameters<typeof endAbandonedJob>[0]);
  expect(released).toMatchObject({ podEndedAt });
  expect(released).not.toHaveProperty('missingSince');
});
