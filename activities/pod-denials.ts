import { BrokerError } from '../src/domain/errors.js';
import { asDependencyError, statusOf } from '../src/kubernetes/client.js';
import { lacksRight } from '../src/kubernetes/tenant-rights.js';

/**
 * For how long "no address" is not believed: an API server that has just started says so until it has read its ranges,
 * however many addresses are left.
 */
const addressesReadWithinMs = 15_000;

/**
 * Gives a code to the denial of a Service for which the cluster has no port or address left.
 *
 * @param askedForMs for how long a Service has been asked for, over all attempts.
 * @throws no_ports_left; dependency_unavailable while it may be the API server that is not ready.
 */
export async function withPort<T>(creation: Promise<T>, askedForMs: number): Promise<T> {
  try {
    return await creation;
  } catch (error) {
    const message = statusOf(error)?.message ?? '';
    if (!/range is full/i.test(message)) throw error;
    if (/service\s?IP/i.test(message) && askedForMs < addressesReadWithinMs) {
      throw new BrokerError('dependency_unavailable', message, {}, { cause: error });
    }
    const detail = 'all ports that the cluster has for jobs are taken; it is no matter of this job or its machine';
    throw new BrokerError('no_ports_left', detail, {}, { cause: error });
  }
}

/**
 * Denials that pass: the namespace is being deleted, the controllers have not set up its service account or quota yet,
 * or its quota is still used by pods that just ended; the database admitted the job, so there will be room in a moment.
 */
const passingDenial = /is being terminated|serviceaccount|status unknown for quota|exceeded quota/;

/** If the API server denies the pod for good (admission, validation), the job ends; anything else is retried. */
export function asPodDenial(error: unknown): unknown {
  const status = statusOf(error);
  if (status === undefined) return asDependencyError(error);
  // The right may have been deleted with its namespace, or not have reached another API server yet.
  if (lacksRight(error) || passingDenial.test(status.message)) {
    return new BrokerError('dependency_unavailable', status.message, {}, { cause: error });
  }
  if (status.code === 403 || status.code === 422 || status.code === 400) {
    return new BrokerError('pod_refused', status.message, {}, { cause: error });
  }
  return asDependencyError(error);
}
