import type { PodObservation } from './job-messages.js';

/** The newest observation of each of a job's pods. */
export interface PodObservations {
  add(observation: PodObservation): void;
  of(uid: string): PodObservation | undefined;
}

/**
 * Observations may arrive twice, out of order, and from pods that are gone: several watchers report them, and the
 * result of a slow poll by the job itself may be older than a signal that came meanwhile.
 */
export function createPodObservations(): PodObservations {
  const newest = new Map<string, PodObservation>();
  return {
    add(observation) {
      const known = newest.get(observation.uid);
      if (known === undefined) newest.set(observation.uid, observation);
      else if (isNewer(observation, known)) newest.set(observation.uid, seenOver(observation, known));
    },
    of: (uid) => newest.get(uid),
  };
}

/** A pod that is over was so from when that was first seen, whoever looks again. */
function seenOver(observation: PodObservation, { seenOverAt: first }: PodObservation): PodObservation {
  const { seenOverAt } = observation;
  const isAgain = first !== undefined && seenOverAt !== undefined && first < seenOverAt;
  return isAgain ? { ...observation, seenOverAt: first } : observation;
}

function isNewer(observation: PodObservation, known: PodObservation): boolean {
  if (known.phase === 'gone') return false;
  if (observation.phase === 'gone') return true;
  return Number(observation.resourceVersion) > Number(known.resourceVersion);
}
