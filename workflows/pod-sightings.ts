import type { PodObservation } from './job-messages.js';

/** What a job was told of its pods: the newest of each. */
export interface PodSightings {
  add(observation: PodObservation): void;
  of(uid: string): PodObservation | undefined;
}

/**
 * Observations may arrive twice, out of order and from pods that are no more: several watchers look, and what a slow
 * look of the job's own brings may be older than what it was told meanwhile.
 */
export function createPodSightings(): PodSightings {
  const newest = new Map<string, PodObservation>();
  return {
    add(observation) {
      const known = newest.get(observation.uid);
      if (known === undefined || isNewer(observation, known)) newest.set(observation.uid, observation);
    },
    of: (uid) => newest.get(uid),
  };
}

function isNewer(observation: PodObservation, known: PodObservation): boolean {
  if (known.phase === 'gone') return false;
  if (observation.phase === 'gone') return true;
  return Number(observation.resourceVersion) > Number(known.resourceVersion);
}
