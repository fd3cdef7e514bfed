import { BrokerError } from '../src/domain/errors.js';
import { asDependencyError, refusalOf } from '../src/kubernetes/client.js';
import { lacksRight } from '../src/kubernetes/tenant-rights.js';

/** Gives a code to the refusal of a Service for which the cluster has no port or address left. */
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
 * Refusals that pass: the namespace is being deleted, the controllers have not set up its service account or quota yet,
 * or its quota is still used by pods that just ended; the database admitted the job, so there will be room in a moment.
 */
const passingRefusal = /is being terminated|serviceaccount|status unknown for quota|exceeded quota/;

/** If the API server refuses the pod for good (admission, validation), the job ends; anything else is retried. */
export function asPodRefusal(error: unknown): unknown {
  const refusal = refusalOf(error);
  if (refusal === undefined) return asDependencyError(error);
  // The right may have been deleted with its namespace, or not have reached another API server yet.
  if (lacksRight(error) || passingRefusal.test(refusal.message)) {
    return new BrokerError('dependency_unavailable', refusal.message, {}, { cause: error });
  }
  if (refusal.code === 403 || refusal.code === 422 || refusal.code === 400) {
    return new BrokerError('pod_refused', refusal.message, {}, { cause: error });
  }
  return asDependencyError(error);
}
