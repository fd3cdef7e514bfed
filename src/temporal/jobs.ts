import {
  ApplicationFailure,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
} from '@temporalio/client';
import type { JobCommands } from '../api/job-commands.js';
import type { Config } from '../config.js';
import { BrokerError, isErrorCode } from '../domain/errors.js';
import { jobWorkflowId } from '../domain/job.js';
import { cancelJob, extendJob, sshReady, workflowTypes, type JobLifecycle } from '../../workflows/messages.js';
import { jobStartOptions } from './start-job.js';

/** Starts, extends and ends jobs by talking to their workflows. */
export function createJobCommands(client: Client, config: Config): JobCommands {
  return {
    async startAndWait(order, waitMs) {
      const options = jobStartOptions(order, config);
      try {
        if (waitMs === 0) {
          await named(client.workflow.start<JobLifecycle>(workflowTypes.job, options));
          return 'still_starting';
        }
        const started = new WithStartWorkflowOperation<JobLifecycle>(workflowTypes.job, options);
        return await withinDeadline(client, waitMs, 'still_starting' as const, () =>
          client.workflow.executeUpdateWithStart(sshReady, { startWorkflowOperation: started }),
        );
      } catch (error) {
        // The job started before and is over: its row says how it ended.
        if (error instanceof WorkflowExecutionAlreadyStartedError || isEndedMeanwhile(error)) return 'still_starting';
        throw error;
      }
    },

    async cancel(jobId, by, waitMs) {
      const handle = client.workflow.getHandle(jobWorkflowId(jobId));
      try {
        return await withinDeadline(client, Math.max(waitMs, 500), 'still_ending' as const, () =>
          handle.executeUpdate(cancelJob, { args: [{ by }] }),
        );
      } catch (error) {
        if (error instanceof WorkflowNotFoundError || isEndedMeanwhile(error)) return 'already_ended';
        throw error;
      }
    },

    async extend(jobId, requestId, seconds, sessionId) {
      const handle = client.workflow.getHandle(jobWorkflowId(jobId));
      const extension = { requestId, seconds, ...(sessionId === undefined ? {} : { sessionId }) };
      try {
        // The server answers a repeated update id with the first outcome, as long as the run lasts.
        const extended = await withinDeadline(client, 10_000, undefined, () =>
          handle.executeUpdate(extendJob, { args: [extension], updateId: `extend-${requestId}` }),
        );
        if (extended === undefined) throw new BrokerError('dependency_unavailable', 'the job did not answer in time');
        return extended;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError || isEndedMeanwhile(error)) {
          throw new BrokerError('job_ended', 'the job has ended and cannot be extended');
        }
        throw error;
      }
    },
  };
}

/** Runs a call under a deadline; past it, answers `late` while the workflow goes on. */
async function withinDeadline<T, L>(client: Client, waitMs: number, late: L, call: () => Promise<T>): Promise<T | L> {
  try {
    return await named(client.withDeadline(Date.now() + waitMs, call));
  } catch (error) {
    if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return late;
    throw error;
  }
}

/** Gives a failure of the workflow the code it was thrown with, and trouble with the server a name of ours. */
async function named<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (
      error instanceof WorkflowNotFoundError ||
      error instanceof WorkflowExecutionAlreadyStartedError ||
      error instanceof WorkflowUpdateRPCTimeoutOrCancelledError ||
      isEndedMeanwhile(error)
    ) {
      throw error;
    }
    const cause =
      error instanceof WorkflowUpdateFailedError || error instanceof WorkflowFailedError ? error.cause : error;
    if (cause instanceof ApplicationFailure && isErrorCode(cause.type)) {
      throw new BrokerError(cause.type, cause.message, {}, { cause: error });
    }
    throw new BrokerError('dependency_unavailable', 'Temporal is not answering', {}, { cause: error });
  }
}

/** The server's own failure for an update that was accepted by a run which then ended without answering it. */
function isEndedMeanwhile(error: unknown): boolean {
  return (
    error instanceof WorkflowUpdateFailedError &&
    error.cause instanceof ApplicationFailure &&
    error.cause.type === 'AcceptedUpdateCompletedWorkflow'
  );
}
