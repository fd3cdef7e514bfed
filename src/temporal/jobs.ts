import {
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
  type Client,
} from '@temporalio/client';
import type { JobCommands } from '../api/job-commands.js';
import type { Config } from '../config.js';
import { BrokerError } from '../domain/errors.js';
import { jobWorkflowId } from '../domain/job.js';
import { instantAt } from '../domain/outside.js';
import { extendJob, sshReady, type JobLifecycle } from '../../workflows/job-messages.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import { asBrokerError, isEndedMeanwhile, isNoWorkflow } from './failures.js';
import { jobSignals, sendSignal } from './signals.js';
import { jobStartOptions, startJob } from './start-job.js';
import { workflowFate } from './workflow-fate.js';

/** The server's time limit for storing a message; longer than the client needs to get over a short outage. */
const acceptWithinMs = 5_000;
const extendWithinMs = 10_000;

/** One update id for each job: all callers that wait for its SSH share one update, of which a workflow may have ten. */
const sshReadyId = 'ssh-ready';

/**
 * Tells a job that its row has so many keys now. Repeats are one signal.
 *
 * @throws the client's own error.
 */
export function createKeyAnnouncement(client: Client): (jobId: string, keys: number) => Promise<void> {
  return async (jobId, keys) => {
    const sending = { withinMs: acceptWithinMs, requestId: `keys-${keys}` };
    await sendSignal(client, jobSignals.sshKeysChanged(jobId), sending);
  };
}

/** Starts, extends and ends jobs through their workflows. */
export function createJobCommands(client: Client, config: Config): JobCommands {
  return {
    async startAndWait(order, waitMs) {
      try {
        if (waitMs > 0) {
          const options = jobStartOptions(order, config);
          const state = await startThenWait(new WithStartWorkflowOperation(workflowTypes.job, options), waitMs);
          if (state !== undefined) return state;
        }
        // If the wait timed out, the server may or may not have taken the start. Starting again changes nothing, and
        // the response tells.
        await accepted(() => startJob(client, order, config));
        return 'still_starting';
      } catch (error) {
        // The job started before and has ended: its row says how.
        if (error instanceof WorkflowExecutionAlreadyStartedError || isEndedMeanwhile(error)) return 'still_starting';
        throw error;
      }
    },

    async cancel(jobId, by, waitMs, reason) {
      const workflowId = jobWorkflowId(jobId);
      // Nobody pays for the time until a worker reads it.
      const signal = jobSignals.cancelRequested(jobId, {
        ...{ by, at: instantAt(Date.now()) },
        ...(reason === undefined ? {} : { reason }),
      });
      const told = await translated(sendSignal(client, signal, { withinMs: acceptWithinMs, requestId: 'cancel' }));
      if (!told) {
        const fate = await accepted(() => workflowFate(client, workflowId));
        return fate === undefined ? 'no_workflow' : 'already_ended';
      }
      return waitMs === 0 ? 'still_ending' : await untilEnded(workflowId, waitMs);
    },

    async extend(jobId, requestId, seconds, sessionId) {
      const handle = client.workflow.getHandle(jobWorkflowId(jobId));
      const extension = { requestId, seconds, ...(sessionId === undefined ? {} : { sessionId }) };
      try {
        // Each call is an update of its own: the ledger decides whether `requestId` was used before, not the server.
        const extended = await withinDeadline(extendWithinMs, () =>
          handle.executeUpdate(extendJob, { args: [extension] }),
        );
        if (extended === undefined) throw new BrokerError('dependency_unavailable', 'the job did not answer in time');
        return extended;
      } catch (error) {
        if (isNoWorkflow(error) || isEndedMeanwhile(error)) {
          throw new BrokerError('job_ended', 'the job has ended and cannot be extended');
        }
        throw error;
      }
    },
  };

  /** Resolves to undefined if the customer has to wait longer, or if the outcome is unknown. */
  async function startThenWait(startWorkflowOperation: WithStartWorkflowOperation<JobLifecycle>, waitMs: number) {
    try {
      return await withinDeadline(waitMs, () =>
        client.workflow.executeUpdateWithStart(sshReady, { startWorkflowOperation, updateId: sshReadyId }),
      );
    } catch (error) {
      // The job starts all the same; only the wait is refused.
      if (error instanceof BrokerError && error.code === 'rate_limited') return undefined;
      throw error;
    }
  }

  /** The job ends in any case: without a result in time, it just has not ended yet. */
  async function untilEnded(workflowId: string, waitMs: number): ReturnType<JobCommands['cancel']> {
    try {
      const handle = client.workflow.getHandle<JobLifecycle>(workflowId);
      return await client.withDeadline(Date.now() + waitMs, () => handle.result());
    } catch (error) {
      return error instanceof WorkflowFailedError ? 'already_ended' : 'still_ending';
    }
  }

  /** Rejects unless the server responds within the time it takes to store a message. */
  function accepted<T>(call: () => Promise<T>): Promise<T> {
    return translated(client.withDeadline(Date.now() + acceptWithinMs, call));
  }

  /**
   * Runs an update under a deadline; resolves to undefined after it, when the update may or may not have been accepted.
   */
  async function withinDeadline<T>(waitMs: number, call: () => Promise<T>): Promise<T | undefined> {
    try {
      return await translated(client.withDeadline(Date.now() + waitMs, call));
    } catch (error) {
      if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return undefined;
      throw error;
    }
  }
}

/** Translates failures, except those that callers handle themselves (no workflow, started before, timed out, ended). */
async function translated<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const isAnswer =
      isNoWorkflow(error) ||
      isEndedMeanwhile(error) ||
      error instanceof WorkflowExecutionAlreadyStartedError ||
      error instanceof WorkflowUpdateRPCTimeoutOrCancelledError;
    throw isAnswer ? error : asBrokerError(error, 'job_requests');
  }
}
