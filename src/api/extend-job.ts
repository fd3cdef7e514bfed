import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import { requireSameSeconds } from '../billing/spend.js';
import { findExtension } from '../db/auth-charges.js';
import { findJob, type JobRow } from '../db/jobs.js';
import { BrokerError } from '../domain/errors.js';
import type { JobCommands } from './job-commands.js';

/** How long a workflow may take to hear that its job runs after the job's row says so: a worker may die in between. */
const hearsWithinMs = 8_000;
const triesEveryMs = 250;

interface WantedExtension {
  job: JobRow;
  requestId: string;
  seconds: number;
  sessionId?: string | undefined;
}

/**
 * Whether the ledger has this extension.
 *
 * @throws BrokerError `idempotency_conflict` if it has a different one under the key.
 */
export async function isExtended(pool: Pool, { job, requestId, seconds }: WantedExtension): Promise<boolean> {
  const known = await findExtension(pool, job.jobId, requestId);
  if (known !== undefined) requireSameSeconds(known, seconds);
  return known !== undefined;
}

/**
 * Extends a job by its workflow. Where Temporal knows less than the row or the ledger, these decide: a customer who was
 * told that his job runs is not told that it does not, and an extension whose answer was lost has succeeded.
 *
 * @throws BrokerError as `JobCommands.extend`; `dependency_unavailable` if the workflow does not hear in time that its
 * job runs.
 */
export async function extendJob(pool: Pool, jobs: JobCommands, wanted: WantedExtension): Promise<void> {
  const { job, requestId, seconds, sessionId } = wanted;
  for (const deadlineMs = Date.now() + hearsWithinMs; ; await sleep(triesEveryMs)) {
    try {
      await jobs.extend(job.jobId, requestId, seconds, sessionId);
      return;
    } catch (error) {
      const code = error instanceof BrokerError ? error.code : undefined;
      if (code === 'job_ended' && (await isExtended(pool, wanted))) return;
      if (code !== 'job_not_running') throw error;
      const status = (await findJob(pool, job.wallet, job.jobId))?.status;
      if (status !== 'running') throw error;
      if (Date.now() > deadlineMs)
        throw new BrokerError('dependency_unavailable', 'the job has just begun to run: try again in a few seconds');
    }
  }
}
