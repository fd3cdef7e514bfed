import { ServiceError } from '@temporalio/client';

/** What the server said of a call, in the parts that decide anything. */
interface Said {
  code?: unknown;
  details?: unknown;
}

/** gRPC codes by which the server refuses one call, as it would refuse it again: 3 INVALID_ARGUMENT, 11 OUT_OF_RANGE. */
const forGood = new Set<unknown>([3, 11]);
/** gRPC: 8 RESOURCE_EXHAUSTED, 9 FAILED_PRECONDITION. */
const [exhausted, precondition] = [8, 9];

/** The status within an error of the client; an empty one for an error that is none. */
export function saidBy(error: unknown): Said {
  const status: unknown = error instanceof ServiceError ? error.cause : error;
  return status ?? {};
}

/** The server refused this very call, and would refuse it again. */
export function isRefusedForGood(error: unknown): boolean {
  return forGood.has(saidBy(error).code);
}

/** What a server lets a workflow have under way at a time unless it is told otherwise. */
export const updatesAtOnce = 10;

/**
 * A workflow has as many updates as it may have: ten that wait for their outcome, or two thousand in one run. More of
 * the same make it no better, and no other workflow is touched.
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
