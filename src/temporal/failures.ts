import {
  ApplicationFailure,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { BrokerError } from '../domain/errors.js';
import { limitReached } from '../domain/limits.js';
import { isTooManyUpdates, updatesAtOnce } from './refusals.js';
import { isErrorCode } from '../wire/error-codes.js';

/** No workflow runs under the id: there never was one, or it has ended. */
export function isNoWorkflow(error: unknown): boolean {
  return error instanceof WorkflowNotFoundError;
}

/** Resolves to undefined if no such workflow runs. */
export async function unlessNoWorkflow<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isNoWorkflow(error)) return undefined;
    throw error;
  }
}

/** The server's own failure for an update that was accepted by a run which then ended without a result. */
export function isEndedMeanwhile(error: unknown): boolean {
  return (
    error instanceof WorkflowUpdateFailedError &&
    error.cause instanceof ApplicationFailure &&
    error.cause.type === 'AcceptedUpdateCompletedWorkflow'
  );
}

/**
 * Turns a failed call into the error that callers know: the code that the workflow failed with, `rate_limited` for a
 * workflow that has all the updates it may have, and otherwise an outage of Temporal.
 *
 * @param limit the limit that is named if the workflow takes no more updates.
 */
export function asBrokerError(error: unknown, limit: Parameters<typeof limitReached>[0]): BrokerError {
  const failedByWorkflow = error instanceof WorkflowUpdateFailedError || error instanceof WorkflowFailedError;
  const cause: unknown = failedByWorkflow ? error.cause : error;
  if (cause instanceof ApplicationFailure && isErrorCode(cause.type)) {
    return new BrokerError(cause.type, cause.message, extraOf(cause), { cause: error });
  }
  if (isTooManyUpdates(error)) return limitReached(limit, { allowed: updatesAtOnce, retryAfterS: 1, cause: error });
  return new BrokerError('dependency_unavailable', 'Temporal is not answering', {}, { cause: error });
}

/** What an activity added to its error, for the reply; versions up to 0.1.0 add nothing. */
function extraOf({ details }: ApplicationFailure): Record<string, unknown> {
  const [extra] = details ?? [];
  return typeof extra === 'object' && extra !== null ? { ...extra } : {};
}
