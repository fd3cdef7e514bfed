import type { StartFailure } from '../activities/job-outcome.js';
import type { JobFailure } from '../src/domain/job.js';
import type { ProgramRules } from '../src/domain/job-program.js';
import { instantAt, sentence, type Instant, type Printable } from '../src/domain/outside.js';
import type { MachineFault } from '../src/domain/start-faults.js';
import type { Cancellation, PodObservation, ProviderAbsence, ProviderNews } from './job-messages.js';
import type { ErrorCode } from '../src/wire/error-codes.js';
import type { JobEnder } from '../src/wire/job-events.js';
import type { FinalJobStatus } from '../src/wire/statuses.js';

/** How a job's life ends: what its row will say, and what else decides its bill. */
export interface Ending {
  status: FinalJobStatus;
  message: Printable;
  /** Absent if it ended by itself or failed. */
  endedBy?: JobEnder;
  failure?: JobFailure;
  /** When the container ended, according to Kubernetes. */
  podEndedAt?: Instant;
  /** Of the main program, if the job ended with it. */
  exitCode?: number;
  /** The provider's last sign of life, if it is known to be away or to have lost the pod earlier than it said. */
  lastSeenMs?: number;
  /** When it ran, if its program ended well before anybody heard that the job runs: this time is paid for. */
  ran?: { from: Instant; to: Instant };
  /** Set if the job was never reached and may start on another machine. */
  fault?: MachineFault;
  /** The start failure to remember, if the job does not move to another machine. */
  startFailure?: StartFailure;
}

export const expired: Ending = {
  status: 'expired',
  message: sentence('the rented time is over'),
  endedBy: 'expiry',
};

export function failed(failure: JobFailure): Ending {
  return { status: 'failed', message: failure.message, failure };
}

export function failedBecause(reason: ErrorCode, message: string): Ending {
  return failed({ reason, message: sentence(message) });
}

/**
 * Its customer ended it, or an operator did; or the broker, because nobody pays for it any more, whose wallet is no business of the customer's.
 *
 * @param cancellation undefined if an operator cancelled the workflow itself.
 * @param wallet the customer's.
 */
export function cancelled(cancellation: Omit<Cancellation, 'at'> | undefined, wallet: string): Ending {
  if (cancellation?.code !== undefined) return unpaid(cancellation.code, cancellation.reason);
  const endedBy = cancellation?.by === wallet ? 'you' : 'operator';
  const who = endedBy === 'you' ? 'you ended it' : 'an operator ended it';
  const why = cancellation?.reason === undefined ? '' : `: ${cancellation.reason}`;
  return { status: 'cancelled', message: sentence(who + why), endedBy };
}

/** The wallet has put an end to what it pays with, and so to its jobs. */
function unpaid(reason: 'funds_withdrawn', why = sentence('the wallet has no money in the vault any more')): Ending {
  return { status: 'cancelled', message: why, endedBy: 'you', failure: { reason, message: why } };
}

/** The provider went away for good; the customer does not pay for the time in which it did not serve. */
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
  const failure: JobFailure = { reason: 'provider_lost', message: said };
  return { status: 'provider_lost', message: said, endedBy: 'provider', failure };
}

/** The provider's drain reached its deadline. */
export function drained(providerId: string): Ending {
  const message = sentence(`the provider ${providerId} was taken out of service`);
  const failure: JobFailure = { reason: 'provider_drained', message };
  return { status: 'cancelled', message, endedBy: 'owner', failure, fault: 'possible' };
}

/** If a machine refuses its pods after an absence this recent, the restart that caused the absence ended them. */
const restartWithinMs = 10 * 60_000;

/**
 * Says why the pod is over. The pod's own status decides first, then its container, then the exit code. If the cluster
 * or the machine ended it, or it vanished with a provider that is away, the provider failed and not the job.
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

/** The door of an SSH server at which nobody has looked opens by itself after this time: see ssh-server/door.go. */
export const doorOpensWithinS = 90;

/**
 * A program that ended well while no worker, or no watcher, was there to see it run: the job is completed and paid for as
 * any other, from when its program could begin. Undefined if this is something else.
 *
 * @param doorShutForS how long the SSH server started no program because nobody had looked at its port.
 */
export function endedUnseen(
  ending: Ending,
  { ran, exitCode }: PodObservation,
  { endsJob }: ProgramRules,
  doorShutForS: number,
) {
  if (ending.status !== 'completed' || !endsJob || ran === undefined || exitCode !== 0) return undefined;
  const fromMs = Date.parse(ran.from) + doorShutForS * 1000;
  if (fromMs >= Date.parse(ran.to)) return undefined;
  const paid = { from: instantAt(fromMs), to: ran.to };
  return {
    ...ending,
    message: sentence('the program ended'),
    exitCode,
    podEndedAt: ran.to,
    ran: paid,
  } satisfies Ending;
}

/**
 * The same for a job with a main program. Nothing is paid for a machine that was never ready, so none is completed on
 * one. If the job ends with its program, the exit code of the container is the program's.
 */
export function programEnded(
  ending: Ending,
  pod: PodObservation,
  { endsJob }: ProgramRules,
  wasReady: boolean,
): Ending {
  if (ending.status === 'completed' && !wasReady) {
    return { ...ending, ...failedBecause('container_exited', 'the machine ended before it was ready') };
  }
  const { exitCode } = pod;
  if (!endsJob || exitCode === undefined || pod.phase === 'gone' || pod.disrupted !== undefined) return ending;
  if (ending.status === 'completed') return { ...ending, message: sentence('the program ended'), exitCode };
  if (ending.failure?.reason !== 'container_exited') return ending;
  // A kill for want of memory may have hit the SSH server, and keeps its cause.
  if (ending.failure.cause !== undefined) return { ...ending, exitCode };
  return { ...ending, ...failedBecause('container_exited', `the program ended with exit code ${exitCode}`), exitCode };
}

const ranOut = {
  out_of_memory: 'the container ran out of memory',
  disk_full: 'the job wrote more than the disk it ordered',
} as const;

function outOf(cause: keyof typeof ranOut, reason: ErrorCode, { message }: PodObservation): Ending {
  const said = message === undefined || message === 'OOMKilled' ? '' : `: ${message}`;
  return failed({ reason, cause, message: sentence(ranOut[cause] + said) });
}
