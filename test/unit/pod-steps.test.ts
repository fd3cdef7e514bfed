import { describe, expect, test } from '@jest/globals';
import type { CoreV1Event } from '@kubernetes/client-node';
import { stepOfEvent, startOfPod } from '../../src/kubernetes/observe-event.js';

const event = (changes: Partial<CoreV1Event> = {}): CoreV1Event => ({
  metadata: {},
  involvedObject: { kind: 'Pod', uid: 'uid-1', fieldPath: 'spec.containers{job}' },
  reason: 'Pulled',
  reportingInstance: 'p-atlas',
  message:
    'Successfully pulled image "docker.io/library/debian:12" in 41.203s (41.203s including waiting). Image size: 1 bytes.',
  ...changes,
});

describe('an event about the container of a job', () => {
  test('is a step of its start, by its reason', () => {
    expect(stepOfEvent(event())).toEqual({ podUid: 'uid-1', node: 'p-atlas', step: 'image_pulled', seconds: 41.2 });
    const pulling = event({ reason: 'Pulling', message: 'Pulling image "docker.io/library/debian:12"' });
    expect(stepOfEvent(pulling)).toEqual({ podUid: 'uid-1', node: 'p-atlas', step: 'image_pulling' });
    expect(stepOfEvent(event({ reason: 'Started', message: 'in 5s' }))).toMatchObject({ step: 'container_started' });
  });

  test.each([
    ['Successfully pulled image "a" in 1m2.5s (2m including waiting)', 62.5],
    ['Successfully pulled image "a" in 850ms', 0.8],
    ['Successfully pulled image "a" in 2h0m3s', 7_203],
    ['Container image "a" already present on machine', 0],
    ['Container image "a" already present on machine and can be accessed by the pod', 0],
    ['Successfully pulled image "a in 5s" in 7s', 7],
    ['Successfully pulled image "a" in 999999h', 86_400],
    ['Successfully pulled image "a"', undefined],
    ['Successfully pulled image "a" in \u202e7s', 7],
    ['something else', undefined],
    [undefined, undefined],
  ])('says how long the pull took: %s', (message, seconds) => {
    expect(stepOfEvent(event({ message: message! }))?.seconds).toBe(seconds);
  });

  test.each<[string, Partial<CoreV1Event>]>([
    [
      'the container that brings the SSH server',
      { involvedObject: { uid: 'uid-1', fieldPath: 'spec.initContainers{ssh-server}' } },
    ],
    ['the pod itself', { involvedObject: { uid: 'uid-1' } }],
    ['no pod', { involvedObject: { fieldPath: 'spec.containers{job}' } }],
    ['another reason', { reason: 'BackOff' }],
    ['a reason that every object has', { reason: 'constructor' }],
    ['nobody in whose name', { reportingInstance: '' }],
  ])('is none if it is about %s', (_, changes) => {
    expect(stepOfEvent(event(changes))).toBeUndefined();
  });
});

test('a pod shows by its own status whether its container has started', () => {
  const pod = (state: object, name = 'job') => ({
    metadata: { uid: 'uid-1' },
    spec: { containers: [], nodeName: 'p-atlas' },
    status: { containerStatuses: [{ name, image: '', imageID: '', ready: false, restartCount: 0, state }] },
  });
  const at = { uid: 'uid-1', node: 'p-atlas' };
  expect(startOfPod(pod({ running: {} }))).toEqual({ ...at, isStarted: true });
  expect(startOfPod(pod({ waiting: {} }))).toEqual({ ...at, isStarted: false });
  expect(startOfPod(pod({ running: {} }, 'another'))).toEqual({ ...at, isStarted: false });
});
