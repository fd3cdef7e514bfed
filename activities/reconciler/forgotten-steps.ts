import type { Pool } from 'pg';
import { findOpenJob, openJobIds } from '../../src/db/reconcile-jobs.js';
import { markStepsWritten, type OpenRestore } from '../../src/db/restores.js';
import { jobWorkflowId, type JobOrder } from '../../src/domain/job.js';
import { recordedSteps, type RecordedStep } from '../../src/temporal/recorded-steps.js';
import { workflowFate } from '../../src/temporal/workflow-fate.js';
import type { ActivityDeps } from '../deps.js';
import type { RecordedRun, ReleasedJob } from '../job-outcome.js';
import type { RepairLog } from './repairs.js';

interface RecordedExtension {
  order: JobOrder;
  requestId: string;
  seconds: number;
  maxDurationS: number;
  sessionId?: string;
}

/** The steps of a job that its row and its charges know of. Each is safe to repeat. */
export interface JobRecord {
  recordRunning(order: JobOrder, running: RecordedRun): Promise<unknown>;
  recordExtension(extension: RecordedExtension): Promise<{ expiresAt: string }>;
}

/**
 * Writes again what a restored database has forgotten of the jobs that it knows. Their workflows remember what they had
 * written; as every step is safe to repeat, what the database still knows changes nothing.
 */
export function createForgottenSteps({ pool, temporal }: Pick<ActivityDeps, 'pool' | 'temporal'>, steps: JobRecord) {
  return {
    /** Of all jobs that go on, once for each restore. What fails is reported, and not tried again. */
    async writeAgain(restore: OpenRestore, log: RepairLog): Promise<void> {
      if (restore.areStepsWritten) return;
      for (let page = await openJobIds(pool, 0); page.length > 0; page = await openJobIds(pool, 0, page.at(-1))) {
        await log.each(
          page,
          (jobId) => `steps of job ${jobId} since the backup`,
          async (jobId) => {
            if ((await workflowFate(temporal, jobWorkflowId(jobId))) === 'goes_on') await writeStepsOf(jobId, log);
          },
        );
      }
      await markStepsWritten(pool, restore.id);
    },
    writeStepsOf,
  };

  /** @returns all that its workflow recorded. */
  async function writeStepsOf(jobId: string, log: RepairLog): Promise<RecordedStep[]> {
    const recorded = await recordedSteps(temporal, jobWorkflowId(jobId));
    await repeatSteps(pool, steps, { jobId, recorded }, log);
    return recorded;
  }
}

/** Repeats those of a job's steps that its row and its charges know of. */
export async function repeatSteps(
  pool: Pool,
  steps: JobRecord,
  { jobId, recorded }: { jobId: string; recorded: readonly RecordedStep[] },
  log: Pick<RepairLog, 'failed'>,
): Promise<void> {
  for (const { step, args } of recorded) {
    if (step === 'recordRunning' && (await isStarting(pool, jobId)))
      await steps.recordRunning(...(args as Parameters<JobRecord['recordRunning']>));
    if (step === 'recordExtension') await extend(steps, args[0] as RecordedExtension, log);
  }
}

/** A start clears what its provider failed before: of a job whose start is known, that may have been failed since. */
async function isStarting(pool: Pool, jobId: string): Promise<boolean> {
  const status = (await findOpenJob(pool, jobId))?.status;
  return status === 'pending' || status === 'provisioning';
}

/** What cannot be charged any more is the site's loss, and holds up nothing. */
async function extend(steps: JobRecord, extension: RecordedExtension, log: Pick<RepairLog, 'failed'>): Promise<void> {
  try {
    await steps.recordExtension(extension);
  } catch (error) {
    log.failed(`an extension of job ${extension.order.jobId} since the backup`, error);
  }
}

/** How a workflow had ended its job. */
export function outcomeBefore(recorded: readonly RecordedStep[]): ReleasedJob | undefined {
  const last = recorded.findLast(({ step }) => step === 'releaseJob');
  return last?.args[1] as ReleasedJob | undefined;
}
