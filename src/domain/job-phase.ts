import type { JobPhase } from '../wire/job-events.js';
import type { JobStatus } from '../wire/statuses.js';

/** The steps of a start, in their order; the last ones are told by the machine and may be missing. */
export const startSteps = [
  'placed',
  'pod_created',
  'image_pulling',
  'image_pulled',
  'container_started',
] as const satisfies readonly JobPhase[];

export type StartStep = (typeof startSteps)[number];

/**
 * Where a job stands. Its status decides; the step that was written down says more, unless an earlier version, which
 * writes no steps, changed the status since.
 */
export function phaseOf(status: JobStatus, step: string | undefined): JobPhase {
  const among = (phases: readonly JobPhase[]) => phases.find((phase) => phase === step) ?? phases[0]!;
  switch (status) {
    case 'pending':
      return 'ordered';
    case 'provisioning':
      return among(startSteps);
    case 'running':
      return among(['ssh_ready', 'provider_away']);
    case 'ending':
      return 'ending';
    default:
      return 'ended';
  }
}
