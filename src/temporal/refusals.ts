import { ServiceError } from '@temporalio/client';

/** The parts of the server's error that are used here. */
interface Said {
  code?: unknown;
  details?: unknown;
}

/** gRPC codes for a call that the server would refuse every time: 3 INVALID_ARGUMENT, 11 OUT_OF_RANGE. */
const forGood = new Set<unknown>([3, 11]);
/** gRPC: 8 RESOURCE_EXHAUSTED, 9 FAILED_PRECONDITION. */
const [exhausted, precondition] = [8, 9];

/** The status in a client's error; empty for any other error. */
export function saidBy(error: unknown): Said {
  const status: unknown = error instanceof ServiceError ? error.cause : error;
  return status ?? {};
}

/** The server refused this call, and would refuse every repeat. */
export function isRefusedForGood(error: unknown): boolean {
  return forGood.has(saidBy(error).code);
}

/** The server's default limit of a workflow's concurrent updates. */
export const updatesAtOnce = 10;

/**
 * A workflow has all the updates it may have: ten that wait for their outcome, or two thousand in one run. Sending more
 * does not help, and no other workflow is affected.
 */
export function isTooManyUpdates(error: unknown): boolean {
  const { code, details } = saidBy(error);
  if (typeof details !== 'string') return false;
  if (code === exhausted) return /in-flight updates/i.test(details);
  return code === precondition && /total number of distinct updates/i.test(details);
}

/** One workflow is busy, or has had all that it may have: no outage for the others. */
export function isOneBusyWorkflow(error: unknown): boolean {
  const { code, details } = saidBy(error);
  return code === exhausted && typeof details === 'string' && /workflow is busy/i.test(details);
}
