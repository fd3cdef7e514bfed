import {
  ActivityFailure,
  ApplicationFailure,
  proxyActivities,
  proxyLocalActivities,
  ActivityCancellationType,
} from '@temporalio/workflow';
import type { JobFailure } from '../src/domain/job.js';
import { sentence } from '../src/domain/outside.js';
import type { Activities } from '../activities/index.js';
import { errorTable, isErrorCode } from '../src/wire/error-codes.js';
import { remembered } from './job-recorded.js';
import { summarized } from './summaries.js';

const untilItWorks = { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '15s' } as const;

/**
 * Short writes to Postgres, run inside the workflow task: one event each instead of six. While the database is down,
 * their retries go on as durable timers, for as long as it takes.
 */
export const jobRecord = remembered(
  summarized<
    Pick<
      Activities,
      | 'placeJob'
      | 'leaveProvider'
      | 'recordRunning'
      | 'recordExtension'
      | 'recordService'
      | 'recordEnding'
      | 'releaseJob'
    >
  >(proxyLocalActivities({ startToCloseTimeout: '10s', localRetryThreshold: '5s', retry: untilItWorks }), {
    placeJob: ({ gpuCount, gpuType }, attempt = 1) =>
      `place ${gpuCount} × ${gpuType ?? 'any GPU'}${attempt === 1 ? '' : `, attempt ${attempt}`}`,
    leaveProvider: (_, { providerId, reason }) => `leave ${providerId}: ${reason}`,
    recordRunning: 'write down that it runs',
    recordExtension: ({ seconds }) => `extend by ${seconds} s`,
    recordService: ({ message }) => `write down that its provider is ${message === '' ? 'back' : 'away'}`,
    recordEnding: 'write down that it ends',
    releaseJob: (_, { status }) => `release what it held; it is ${status}`,
  }),
);

const stoppedFirst = {
  startToCloseTimeout: '30s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: untilItWorks,
} as const;

/**
 * Calls to Kubernetes during the start. A cancelled job waits for the activity to stop: whatever it still creates must
 * exist before the end searches for objects to remove.
 */
export const pods = remembered(
  summarized<Pick<Activities, 'provisionJob' | 'inspectJob'>>(proxyActivities(stoppedFirst), {
    provisionJob: (_, { nodeName }) => `create the pod on ${nodeName}`,
    inspectJob: 'look at the pod',
  }),
);

/** The broker's look at the SSH port, `SSH_PROBE_TIMEOUT_S` at most. It makes nothing, so nobody waits for it to stop. */
export const sshLook = summarized<Pick<Activities, 'lookAtSsh'>>(
  proxyActivities({ startToCloseTimeout: '90s', heartbeatTimeout: '20s', retry: untilItWorks }),
  { lookAtSsh: (_, { nodeName }) => `look at the SSH port on ${nodeName}` },
);

/** Keys that were added to a job. A job does not wait for it, and the reconciler asks again for what failed. */
export const jobKeys = summarized<Pick<Activities, 'bringSshKeys'>>(
  proxyActivities({ startToCloseTimeout: '20s', scheduleToCloseTimeout: '1 minute', retry: untilItWorks }),
  { bringSshKeys: 'bring added SSH keys into the pod' },
);

/** The final check of a provider that is reported to be away. */
export const providerLoss = summarized<Pick<Activities, 'checkLoss'>>(proxyActivities(stoppedFirst), {
  checkLoss: ({ providerId }) => `look whether ${providerId} is lost`,
});

/** The teardown is retried for ever: a job does not end before its pod is gone, or does not go although it is removed by force. */
export const jobTeardown = summarized<Pick<Activities, 'teardownJob'>>(
  proxyActivities({ startToCloseTimeout: '5 minutes', heartbeatTimeout: '20s', retry: untilItWorks }),
  { teardownJob: 'remove the pod and its Service' },
);

/** Reads the log of a job that ends, once: its program runs on meanwhile, and nobody pays for that. */
export const jobLogs = summarized<Pick<Activities, 'saveJobLog'>>(
  proxyActivities({ scheduleToCloseTimeout: '5s', retry: { maximumAttempts: 1 } }),
  { saveJobLog: 'save the end of its log' },
);

/** What the customer is told about a failed step: the code it was thrown with, and never more than its own message. */
export function failureOf(error: unknown): JobFailure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure && isErrorCode(cause.type)) {
    return { reason: cause.type, message: sentence(cause.message) };
  }
  return { reason: 'internal_error', message: sentence(errorTable.internal_error.title) };
}
