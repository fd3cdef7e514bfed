import type { Client } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import type { Config } from '../config.js';
import { jobWorkflowId, type JobOrder } from '../domain/job.js';
import type { JobInput, JobLifecycle, JobLimits, RunningJob } from '../../workflows/job-messages.js';
import { searchAttributes } from '../../workflows/search-attributes.js';
import { workflowTypes } from '../../workflows/workflow-types.js';

type Settings = Pick<
  Config,
  'TEMPORAL_TASK_QUEUE' | 'JOB_START_TIMEOUT_S' | 'JOB_STUCK_GRACE_S' | 'PROVIDER_LOSS_GRACE_S' | 'JOB_MAX_DURATION_S'
>;

/** What is known about a job that has lost its workflow: where it runs, or how many placements it had. */
interface KnownJob {
  running?: RunningJob;
  attempt?: number;
}

/** Starts a job's workflow, or finds the running one. */
export async function startJob(client: Client, order: JobOrder, config: Settings, known?: KnownJob): Promise<void> {
  await client.workflow.start<JobLifecycle>(workflowTypes.job, jobStartOptions(order, config, known));
}

/**
 * How a job's workflow is started: the same for every caller, so that a repeat finds the first.
 *
 * @param known for a job that has lost its workflow: it continues where it runs, or from its last placement.
 */
export function jobStartOptions(order: JobOrder, config: Settings, { running, attempt = 1 }: KnownJob = {}) {
  const limits: JobLimits = {
    startTimeoutS: config.JOB_START_TIMEOUT_S,
    stuckGraceS: config.JOB_STUCK_GRACE_S,
    providerLossGraceS: config.PROVIDER_LOSS_GRACE_S,
    maxDurationS: config.JOB_MAX_DURATION_S,
  };
  return {
    workflowId: jobWorkflowId(order.jobId),
    taskQueue: config.TEMPORAL_TASK_QUEUE,
    args: [{ order, limits, ...(running === undefined ? {} : { running }), ...(attempt === 1 ? {} : { attempt }) }] as [
      JobInput,
    ],
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    // A job lives once: an ended workflow never starts again under the same id.
    workflowIdReusePolicy: 'REJECT_DUPLICATE' as const,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: searchAttributes.jobStatus, value: 'pending' },
      { key: searchAttributes.wallet, value: order.wallet },
      ...(order.gpuType === undefined ? [] : [{ key: searchAttributes.gpuType, value: order.gpuType }]),
    ]),
    staticSummary: `${order.gpuCount} × ${order.gpuType ?? 'any GPU'} for ${order.wallet}`,
    staticDetails: whatToDo(order.jobId),
  };
}

/** What operators read above the history. */
function whatToDo(jobId: string): string {
  return (
    'Do not terminate it: its GPUs would stay taken until the reconciler has ended it. ' +
    `To end it, send \`DELETE /api/v1/admin/jobs/${jobId}\` with \`{"reason": "…"}\`.`
  );
}
