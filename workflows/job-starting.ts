import type { JobOrder, Placement } from '../src/domain/job.js';
import type { MachineFault } from '../src/domain/start-faults.js';
import { failedBecause, podEnded, programEnded, type Ending } from './job-endings.js';
import type { JobLimits, PodObservation } from './job-messages.js';
import type { PodObservations } from './pod-observations.js';
import type { ProviderWatch } from './provider-watch.js';

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

/** The pod is over before the job ran. */
export function endedEarly({ order, placement, provider }: JobStart, pod: PodObservation): Ending {
  const ending = podEnded(pod, placement.providerId, provider.news(), Date.now());
  return order.program === undefined ? ending : programEnded(ending, pod, order.program, false);
}

export function notInTime({ limits }: JobStart): Ending {
  return failedBecause('start_timeout', `the pod was not ready within ${limits.startTimeoutS} s`);
}

export function withFault(ending: Ending, fault: MachineFault | undefined): Ending {
  return fault === undefined ? ending : { ...ending, fault };
}
