import { describe, expect, test } from '@jest/globals';
import { instantAt } from '../../src/domain/outside.js';
import type { PodObservation } from '../../workflows/job-messages.js';
import { createPodObservations } from '../../workflows/pod-observations.js';

const seen = (resourceVersion: string, phase: PodObservation['phase'] = 'pending', uid = 'uid-1'): PodObservation => ({
  uid,
  resourceVersion,
  phase,
});

/** What a job knows of the pod `uid-1` after it heard all of this. */
function after(...heard: PodObservation[]): PodObservation | undefined {
  const observations = createPodObservations();
  for (const observation of heard) observations.add(observation);
  return observations.of('uid-1');
}

describe('what a job knows of a pod', () => {
  test('the last observation of a pod is empty before anybody has seen the pod', () => {
    expect(after()).toBeUndefined();
    expect(after(seen('7', 'running', 'uid-2'))).toBeUndefined();
  });

  test('the last observation of a pod is the newest, in whatever order they arrive', () => {
    expect(after(seen('8', 'pending'), seen('9', 'running'))).toMatchObject({ phase: 'running' });
    expect(after(seen('9', 'running'), seen('8', 'pending'))).toMatchObject({ phase: 'running' });
  });

  test('observations of a pod are ordered by version as a number: the tenth is newer than the ninth', () => {
    expect(after(seen('9', 'pending'), seen('10', 'running'))).toMatchObject({ phase: 'running' });
    expect(after(seen('10', 'running'), seen('9', 'pending'))).toMatchObject({ phase: 'running' });
  });

  test('a repeated observation of a pod is the same object, since a job wakes up for each new one', () => {
    const first = seen('9', 'running');
    expect(after(first, seen('9', 'running'))).toBe(first);
  });

  test('a pod is over from when that was first seen, whoever sees it again', () => {
    const over = (version: string, at: number) => ({ ...seen(version, 'failed'), seenOverAt: instantAt(at) });
    expect(after(over('8', 1_000), over('9', 2_000))).toMatchObject({
      resourceVersion: '9',
      seenOverAt: instantAt(1_000),
    });
    expect(after(over('8', 2_000), over('9', 1_000))).toMatchObject({ seenOverAt: instantAt(1_000) });
    expect(after(over('8', 1_000), seen('9', 'running'))).not.toHaveProperty('seenOverAt');
  });

  test('an observation that a pod is gone overrides every earlier reading', () => {
    expect(after(seen('9', 'running'), seen('5', 'gone'))).toMatchObject({ phase: 'gone' });
    expect(after(seen('5', 'gone'), seen('9', 'running'))).toMatchObject({ phase: 'gone' });
  });

  test('the first observation of a pod’s end is kept, because it tells when the pod ended', () => {
    const first = { ...seen('5', 'gone'), exitCode: 1 };
    expect(after(first, seen('6', 'gone'))).toBe(first);
  });

  test('observations of another pod of the job have no effect', () => {
    expect(after(seen('9', 'running'), seen('12', 'gone', 'uid-2'))).toMatchObject({ phase: 'running' });
  });
});
