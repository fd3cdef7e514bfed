import type { FinalJobStatus, JobFailure } from '../src/domain/job.js';
import type { PodObservation, ProviderNews } from './messages.js';

/** How a job's life ends: what its row will say. */
export interface Ending {
  status: FinalJobStatus;
  message: string;
  failure?: JobFailure;
  /** Until when the customer was served, where that is not the moment of the end. */
  servedUntilMs?: number;
}

export const expired: Ending = { status: 'expired', message: 'the rented time is over' };

export function failed(failure: JobFailure): Ending {
  return { status: 'failed', message: failure.message, failure };
}

export function cancelled(by: string | undefined): Ending {
  return { status: 'cancelled', message: `cancelled by ${by ?? 'an operator'}` };
}

/** The provider went away for good; what it did not serve is not paid for. */
export function lost(providerId: string, { sinceMs, final }: NonNullable<ProviderNews['away']>): Ending {
  const message = final
    ? `the machine of provider ${providerId} was replaced by another one`
    : `the provider ${providerId} went away and did not come back in time`;
  return { status: 'provider_lost', message, failure: { reason: 'provider_lost', message }, servedUntilMs: sinceMs };
}

/** The provider asked its jobs to be gone by now. */
export function drained(providerId: string): Ending {
  const message = `the provider ${providerId} was taken out of service`;
  return { status: 'cancelled', message, failure: { reason: 'provider_drained', message } };
}

/**
 * The pod is over. Where the cluster ended it, or it vanished with a provider that is away, that is the provider's doing
 * and not the job's.
 */
export function podEnded(pod: PodObservation, providerId: string, { away }: ProviderNews): Ending {
  const served = pod.endedAt === undefined ? {} : { servedUntilMs: Date.parse(pod.endedAt) };
  if (pod.phase === 'gone' && away !== undefined) return lost(providerId, away);
  if (pod.disrupted !== undefined) {
    const message = `the provider ${providerId} let go of the pod: ${pod.disrupted}`;
    return { status: 'provider_lost', message, failure: { reason: 'provider_lost', message }, ...served };
  }
  if (pod.phase === 'succeeded') return { status: 'completed', message: 'the container finished', ...served };
  if (pod.phase === 'gone') {
    return { ...failed({ reason: 'pod_deleted', message: 'the pod was deleted from outside' }), ...served };
  }
  const exit = pod.exitCode === undefined ? '' : ` with exit code ${pod.exitCode}`;
  const why = pod.message === undefined ? '' : `: ${pod.message}`;
  return { ...failed({ reason: 'container_exited', message: `the container stopped${exit}${why}` }), ...served };
}
