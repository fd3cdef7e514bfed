import { BrokerError } from '../src/domain/errors.js';
import { asDependencyError, refusalOf } from '../src/kubernetes/client.js';
import { lacksRight } from '../src/kubernetes/tenant-rights.js';

/** Gives a name to the refusal of a Service for which the cluster has no port, or no address, left. */
export async function withPort<T>(creation: Promise<T>): Promise<T> {
  try {
    return await creation;
  } catch (error) {
    if (!/range is full/i.test(refusalOf(error)?.message ?? '')) throw error;
    const detail = 'all ports that the cluster has for jobs are taken; it is no matter of this job or its machine';
    throw new BrokerError('no_ports_left', detail, {}, { cause: error });
  }
}

/**
 * Refusals that pass: of a namespace on its way out, of one whose service account or quota the controllers have not seen
 * to yet, and of one that is full of what has just ended; the database let the job in, so there is room in a moment.
 */
const passingRefusal = /is being terminated|serviceaccount|status unknown for quota|exceeded quota/;

/** What the API server refuses for good (admission, validation) ends the job; the rest is tried again. */
export function asPodRefusal(error: unknown): unknown {
  const refusal = refusalOf(error);
  if (refusal === undefined) return asDependencyError(error);
  // A right may be gone with its namespace, or not have reached another API server yet.
  if (lacksRight(error) || passingRefusal.test(refusal.message)) {
    return new BrokerError('dependency_unavailable', refusal.message, {}, { cause: error });
  }
  if (refusal.code === 403 || refusal.code === 422 || refusal.code === 400) {
    return new BrokerError('pod_refused', refusal.message, {}, { cause: error });
  }
  return asDependencyError(error);
}
