import { describe, expect, test } from '@jest/globals';
import type { PodObservation } from '../../workflows/job-messages.js';
import { createPodSightings } from '../../workflows/pod-sightings.js';

const seen = (resourceVersion: string, phase: PodObservation['phase'] = 'pending', uid = 'uid-1'): PodObservation => ({
  uid,
  resourceVersion,
  phase,
});

/** What a job knows of the pod `uid-1` after it heard all of this. */
function after(...observations: PodObservation[]): PodObservation | undefined {
  const sightings = createPodSightings();
  for (const observation of observations) sightings.add(observation);
  return sightings.of('uid-1');
}

describe('what a job knows of a pod', () => {
  test('is nothing before anybody has seen it', () => {
    expect(after()).toBeUndefined();
    expect(after(seen('7', 'running', 'uid-2'))).toBeUndefined();
  });

  test('is the newest that was seen, in whatever order it is told', () => {
    expect(after(seen('8', 'pending'), seen('9', 'running'))).toMatchObject({ phase: 'running' });
    expect(after(seen('9', 'running'), seen('8', 'pending'))).toMatchObject({ phase: 'running' });
  });

  test('goes by versions as numbers: the tenth is newer than the ninth', () => {
    expect(after(seen('9', 'pending'), seen('10', 'running'))).toMatchObject({ phase: 'running' });
    expect(after(seen('10', 'running'), seen('9', 'pending'))).toMatchObject({ phase: 'running' });
  });

  test('stays the same object when the same is told again: a job wakes for what is new', () => {
    const first = seen('9', 'running');
    expect(after(first, seen('9', 'running'))).toBe(first);
  });

  test('ends with the pod: who saw that it is gone knows better than whoever read it earlier', () => {
    expect(after(seen('9', 'running'), seen('5', 'gone'))).toMatchObject({ phase: 'gone' });
    expect(after(seen('5', 'gone'), seen('9', 'running'))).toMatchObject({ phase: 'gone' });
  });

  test('keeps the first word of its end, which says when that was', () => {
    const first = { ...seen('5', 'gone'), exitCode: 1 };
    expect(after(first, seen('6', 'gone'))).toBe(first);
  });

  test('has nothing to do with another pod of the job', () => {
    expect(after(seen('9', 'running'), seen('12', 'gone', 'uid-2'))).toMatchObject({ phase: 'running' });
  });
});
