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

const untilItWorks = { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '15s' } as const;

/**
 * Short writes to Postgres, run inside the workflow task: one event each instead of six. While the database is down,
 * their retries go on as durable timers, for as long as it takes.
 */
export const jobRecord = proxyLocalActivities<
  Pick<
    Activities,
    'placeJob' | 'leaveProvider' | 'recordRunning' | 'recordExtension' | 'recordService' | 'recordEnding' | 'releaseJob'
  >
>({ startToCloseTimeout: '10s', localRetryThreshold: '5s', retry: untilItWorks });

const stoppedFirst = {
  startToCloseTimeout: '30s',
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry: untilItWorks,
} as const;

/**
 * Calls to Kubernetes during the start. A cancelled job waits for the activity to stop: whatever it still creates must
 * exist before the end searches for objects to remove.
 */
export const pods = proxyActivities<Pick<Activities, 'provisionJob' | 'inspectJob'>>(stoppedFirst);

/** The broker's look at the SSH port, `SSH_PROBE_TIMEOUT_S` at most. It makes nothing, so nobody waits for it to stop. */
export const sshLook = proxyActivities<Pick<Activities, 'lookAtSsh'>>({
  startToCloseTimeout: '90s',
  heartbeatTimeout: '20s',
  retry: untilItWorks,
});

/** Keys that were added to a job. A job does not wait for it, and the reconciler asks again for what failed. */
export const jobKeys = proxyActivities<Pick<Activities, 'bringSshKeys'>>({
  startToCloseTimeout: '20s',
  scheduleToCloseTimeout: '1 minute',
  retry: untilItWorks,
});

/** The final check of a provider that is reported to be away. */
export const providerLoss = proxyActivities<Pick<Activities, 'checkLoss'>>(stoppedFirst);

/** The teardown is retried for ever: a job does not end before its pod is gone, or does not go although it is removed by force. */
export const jobTeardown = proxyActivities<Pick<Activities, 'teardownJob'>>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '20s',
  retry: untilItWorks,
});

/** Reads the log of a job that ends, once: its program runs on meanwhile, and nobody pays for that. */
export const jobLogs = proxyActivities<Pick<Activities, 'saveJobLog'>>({
  scheduleToCloseTimeout: '5s',
  retry: { maximumAttempts: 1 },
});

/** What the customer is told about a failed step: the code it was thrown with, and never more than its own message. */
export function failureOf(error: unknown): JobFailure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure && isErrorCode(cause.type)) {
    return { reason: cause.type, message: sentence(cause.message) };
  }
  return { reason: 'internal_error', message: sentence(errorTable.internal_error.title) };
}
