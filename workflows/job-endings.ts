import type { StartFailure } from '../activities/job-record.js';
import type { JobFailure } from '../src/domain/job.js';
import { sentence, type Instant, type Printable } from '../src/domain/outside.js';
import type { MachineFault } from '../src/domain/start-faults.js';
import type { PodObservation, ProviderAbsence, ProviderNews } from './job-messages.js';
import type { ErrorCode } from '../src/wire/error-codes.js';
import type { FinalJobStatus } from '../src/wire/statuses.js';

/** How a job's life ends: what its row will say, and what its bill goes by besides. */
export interface Ending {
  status: FinalJobStatus;
  message: Printable;
  failure?: JobFailure;
  /** When the container ended, as Kubernetes has it. */
  podEndedAt?: Instant;
  /** Last sign of life of the provider, where it is known to be away or to have lost the pod earlier than it said. */
  lastSeenMs?: number;
  /** That a job which was never reached may fare better on another machine. */
  fault?: MachineFault;
  /** The same of a job that does not go on elsewhere, as it is remembered. */
  startFailure?: StartFailure;
}

export const expired: Ending = { status: 'expired', message: sentence('the rented time is over') };

export function failed(failure: JobFailure): Ending {
  return { status: 'failed', message: failure.message, failure };
}

export function failedBecause(reason: ErrorCode, message: string): Ending {
  return failed({ reason, message: sentence(message) });
}

export function cancelled(by: string | undefined): Ending {
  return { status: 'cancelled', message: sentence(`cancelled by ${by ?? 'an operator'}`) };
}

/** The provider went away for good; what it did not serve is not paid for. */
export function lost(providerId: string, { sinceMs, final, cause }: ProviderAbsence): Ending {
  const lacking =
    cause === 'gpu_lost' ? 'lost a GPU and did not get it back in time' : 'went away and did not come back in time';
  const message = final
    ? `the machine of provider ${providerId} was replaced by another one`
    : `the provider ${providerId} ${lacking}`;
  return { ...providerLost(message), lastSeenMs: sinceMs, fault: 'possible' };
}

function providerLost(message: string): Ending {
  const said = sentence(message);
  return { status: 'provider_lost', message: said, failure: { reason: 'provider_lost', message: said } };
}

/** The provider asked its jobs to be gone by now. */
export function drained(providerId: string): Ending {
  const message = sentence(`the provider ${providerId} was taken out of service`);
  return { status: 'cancelled', message, failure: { reason: 'provider_drained', message }, fault: 'possible' };
}

/** An absence after which the machine refuses its pods is the restart that ended them, if it was this recent. */
const restartWithinMs = 10 * 60_000;

/**
 * The pod is over. What the pod says of itself goes first, then its container, then the exit code. Where the cluster or
 * the machine ended it, or it vanished with a provider that is away, that is the provider's doing and not the job's.
 */
export function podEnded(pod: PodObservation, providerId: string, { away, gap }: ProviderNews, nowMs: number): Ending {
  const ended = {
    ...(pod.endedAt === undefined ? {} : { podEndedAt: pod.endedAt }),
    ...(pod.fault === undefined ? {} : { fault: pod.fault }),
  };
  if (pod.phase === 'gone' && away !== undefined) return lost(providerId, away);
  if (pod.disrupted !== undefined) {
    const ending = providerLost(`the provider ${providerId} let go of the pod: ${pod.disrupted}`);
    const restart =
      away ?? (gap !== undefined && nowMs - gap.toMs < restartWithinMs ? { sinceMs: gap.fromMs } : undefined);
    const lastSeen = pod.refused === true && restart !== undefined ? { lastSeenMs: restart.sinceMs } : {};
    return { ...ending, ...ended, ...lastSeen };
  }
  if (pod.cause === 'deadline') return { ...expired, ...ended };
  if (pod.phase === 'gone') return { ...failedBecause('pod_deleted', 'the pod was deleted from outside'), ...ended };
  if (pod.cause === 'disk_full') return { ...outOf('disk_full', 'storage_exceeded', pod), ...ended };
  if (pod.cause === 'out_of_memory') return { ...outOf('out_of_memory', 'container_exited', pod), ...ended };
  if (pod.phase === 'succeeded') {
    return { status: 'completed', message: sentence('the container was ended from inside'), ...ended };
  }
  const exit = pod.exitCode === undefined ? '' : ` with exit code ${pod.exitCode}`;
  const why = pod.message === undefined ? '' : `: ${pod.message}`;
  return { ...failedBecause('container_exited', `the container stopped${exit}${why}`), ...ended };
}

const ranOut = {
  out_of_memory: 'the container ran out of memory',
  disk_full: 'the job wrote more than the disk it ordered',
} as const;

function outOf(cause: keyof typeof ranOut, reason: ErrorCode, { message }: PodObservation): Ending {
  const said = message === undefined || message === 'OOMKilled' ? '' : `: ${message}`;
  return failed({ reason, cause, message: sentence(ranOut[cause] + said) });
}
