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
 * Short writes to Postgres, run inside the workflow task: one event each instead of six. With the database away they
 * go on as durable timers, for as long as it takes.
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
 * Calls to Kubernetes on the way up. A cancelled job waits for the activity to have stopped: what it still creates
 * must be there before the end stoppedFirst for what is to be removed.
 */
export const pods = proxyActivities<Pick<Activities, 'provisionJob' | 'inspectJob'>>(stoppedFirst);

/** The last word on a provider that is said to be away. */
export const providerLoss = proxyActivities<Pick<Activities, 'checkLoss'>>(stoppedFirst);

/** The way down is tried for ever: a job is not ended before Kubernetes says that its pod is gone. */
export const jobTeardown = proxyActivities<Pick<Activities, 'teardownJob'>>({
  startToCloseTimeout: '5 minutes',
  heartbeatTimeout: '20s',
  retry: untilItWorks,
});

/** What a failed step tells the customer: the code it was thrown with, and never more than its own message. */
export function failureOf(error: unknown): JobFailure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof ApplicationFailure && isErrorCode(cause.type)) {
    return { reason: cause.type, message: sentence(cause.message) };
  }
  return { reason: 'internal_error', message: sentence(errorTable.internal_error.title) };
}
