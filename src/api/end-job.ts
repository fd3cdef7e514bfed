import { orderOfJob } from '../db/job-row.js';
import type { JobRow } from '../db/jobs.js';
import { BrokerError } from '../domain/errors.js';
import { isFinal } from '../domain/job.js';
import type { Printable } from '../domain/outside.js';
import type { JobCommands } from './job-commands.js';
import { waitingOf } from './prefer.js';
import type { ApiContext } from './route.js';

/** When a client whose wait ended early should ask again. */
export const retryAfterS = 2;
const cancelWaitDefaultS = 10;

/** Who ends a job, and why. */
interface EndRequest {
  by: string;
  reason?: Printable;
}

/**
 * Ends a job that has not ended, and waits for that as long as the client asks.
 *
 * @param readAgain reads the job's row.
 * @returns the job as it is then.
 * @throws BrokerError `dependency_unavailable`
 */
export async function endJob(
  jobs: JobCommands,
  ctx: ApiContext,
  job: JobRow,
  { by, reason, readAgain }: EndRequest & { readAgain: () => Promise<JobRow> },
): Promise<JobRow> {
  if (isFinal(job.status)) return job;
  const { waitMs, applied } = waitingOf(ctx.get('prefer'), cancelWaitDefaultS);
  if (applied !== undefined) ctx.set('preference-applied', applied);
  let outcome = await jobs.cancel(job.jobId, by, waitMs, reason);
  let now = await readAgain();
  if (outcome === 'no_workflow' && now.status === 'pending') {
    // Its workflow never started, because Temporal was down when the job was ordered. Only the end of its workflow
    // releases the reservation, so the workflow is started for that.
    await jobs.startAndWait(orderOfJob(now), 0);
    outcome = await jobs.cancel(job.jobId, by, waitMs, reason);
    now = await readAgain();
  }
  if (outcome === 'no_workflow' && !isFinal(now.status)) {
    const detail = 'the workflow of the job is missing and is being restored: try again in a minute';
    throw new BrokerError('dependency_unavailable', detail, { job_id: job.jobId });
  }
  return now;
}

/** Sets the status and the headers of a reply about a job that ends or has ended, at the path where it can be read. */
export function answerEnd(ctx: ApiContext, job: JobRow, location: string): void {
  if (isFinal(job.status)) return;
  ctx.status = 202;
  ctx.set('location', location);
  ctx.set('retry-after', String(retryAfterS));
}
