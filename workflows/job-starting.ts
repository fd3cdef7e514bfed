import type { ProvisionedPod } from '../activities/pods.js';
import type { JobOrder, Placement } from '../src/domain/job.js';
import type { MachineFault } from '../src/domain/start-faults.js';
import { patched } from '@temporalio/workflow';
import { doorOpensWithinS, endedUnseen, failedBecause, podEnded, programEnded, type Ending } from './job-endings.js';
import type { JobLimits, PodObservation } from './job-messages.js';
import type { PodObservations } from './pod-observations.js';
import type { ProviderWatch } from './provider-watch.js';
import type { Wake } from './summaries.js';

/** A placed job that is to be started. */
export interface JobStart {
  order: JobOrder;
  limits: JobLimits;
  placement: Placement;
  provider: ProviderWatch;
  observations: PodObservations;
  /** When the job has to be up, on whichever machine. */
  beforeMs: number;
  /** Shows people what the job waits for. */
  details(text: string): void;
}

/** The moment from which on no machine starts the job any more. */
export function startLimit({ beforeMs, limits }: JobStart): Wake {
  return { atMs: beforeMs, why: `start limit ${limits.startTimeoutS} s` };
}

/**
 * The pod is over before the job ran.
 *
 * @param made its door was shut until the broker looked, if the broker was to look.
 */
export function endedEarly(
  { order, placement, provider }: JobStart,
  { isLookedAt }: Pick<ProvisionedPod, 'isLookedAt'>,
  pod: PodObservation,
): Ending {
  const ending = podEnded(pod, placement.providerId, provider.news(), Date.now());
  if (order.program === undefined) return ending;
  const unseen = endedUnseen(ending, pod, order.program, isLookedAt === true ? doorOpensWithinS : 0);
  if (unseen !== undefined && patched('a-program-that-ran-unseen-is-paid')) return unseen;
  return programEnded(ending, pod, order.program, false);
}

export function notInTime({ limits }: JobStart): Ending {
  return failedBecause('start_timeout', `the pod was not ready within ${limits.startTimeoutS} s`);
}

export function withFault(ending: Ending, fault: MachineFault | undefined): Ending {
  return fault === undefined ? ending : { ...ending, fault };
}
