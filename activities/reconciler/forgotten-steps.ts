import { Context } from '@temporalio/activity';
import { openJobIds } from '../../src/db/reconcile-jobs.js';
import { endStepsPass, recordStepsPage, type OpenRestore } from '../../src/db/restores.js';
import { jobWorkflowId } from '../../src/domain/job.js';
import { recordedSteps, type RecordedStep } from '../../src/temporal/recorded-steps.js';
import { workflowFate } from '../../src/temporal/workflow-fate.js';
import type { ActivityDeps } from '../deps.js';
import type { ReleasedJob } from '../job-outcome.js';
import type { RepairLog } from './repairs.js';
import { repeatSteps, type JobRecord } from './repeated-steps.js';

/** How long one run begins new pages of jobs; the next run goes on where this one stopped. */
const writesForMs = 60_000;

/**
 * Writes again what a restored database has forgotten of the jobs that it knows. Their workflows remember what they had
 * written; as every step is safe to repeat, what the database still knows changes nothing.
 */
export function createForgottenSteps(deps: Pick<ActivityDeps, 'config' | 'pool' | 'temporal'>, steps: JobRecord) {
  const { pool, temporal } = deps;
  return {
    /** Of all jobs that go on, once for each restore; again from the first, if a later run may write what failed. */
    async writeAgain(restore: OpenRestore, log: RepairLog): Promise<void> {
      if (restore.areStepsWritten) return;
      const { cancellationSignal } = Context.current();
      const untilMs = Date.now() + writesForMs;
      for (let after = restore.stepsWrittenAfter; Date.now() < untilMs;) {
        cancellationSignal.throwIfAborted();
        const page = await openJobIds(pool, 0, after);
        after = page.at(-1);
        if (after === undefined) return await endStepsPass(pool, restore.id, restore.foundAt);
        const isWhole = await writePage(page, restore, log);
        await recordStepsPage(pool, restore.id, restore.foundAt, { lastJobId: after, isWhole });
      }
    },
    writeStepsOf,
  };

  /** @returns false if a later run may write what failed. */
  async function writePage(page: readonly string[], restore: OpenRestore, log: RepairLog): Promise<boolean> {
    let isWhole = true;
    await log.each(
      page,
      (jobId) => `steps of job ${jobId} since the backup`,
      async (jobId) => {
        try {
          if ((await workflowFate(temporal, jobWorkflowId(jobId))) === 'goes_on')
            await writeStepsOf(jobId, log, restore);
        } catch (error) {
          isWhole = false;
          throw error;
        }
      },
    );
    return isWhole;
  }

  /** @returns all that its workflow recorded. */
  async function writeStepsOf(
    jobId: string,
    log: RepairLog,
    restore: OpenRestore | undefined,
  ): Promise<RecordedStep[]> {
    const recorded = await recordedSteps(temporal, jobWorkflowId(jobId));
    await repeatSteps(deps, steps, { jobId, recorded }, { log, restore });
    return recorded;
  }
}

/** How a workflow had ended its job. */
export function outcomeBefore(recorded: readonly RecordedStep[]): ReleasedJob | undefined {
  const last = recorded.findLast(({ step }) => step === 'releaseJob');
  return last?.args[1] as ReleasedJob | undefined;
}
