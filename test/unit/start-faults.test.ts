import { describe, expect, test } from '@jest/globals';
import type { V1ContainerStatus, V1PodStatus } from '@kubernetes/client-node';
import { containerFault, disruptionFault, imageFault, placeFault } from '../../src/domain/start-faults.js';
import { observePod } from '../../src/kubernetes/observe-pod.js';
import { drained, lost, podEnded } from '../../workflows/job-endings.js';

const customers = undefined;

describe('an image that is not pulled', () => {
  test.each<[string, 'certain' | 'possible' | undefined, 'certain' | 'possible' | undefined]>([
    // What is said, whose doing it is with the customer's image, and with the broker's own.
    ['failed to resolve reference "docker.io/x/y:1": docker.io/x/y:1: not found', customers, customers],
    ['manifest unknown: manifest unknown', customers, customers],
    ['failed to authorize: 401 Unauthorized', customers, customers],
    ['pull access denied, repository does not exist or may require authorization', customers, customers],
    ['no match for platform in manifest: not found', customers, customers],
    ['couldn\'t parse image name "x y": invalid reference format', customers, customers],
    ['Back-off pulling image "docker.io/x/y:1"', customers, 'possible'],
    ['dial tcp: lookup registry-1.docker.io: no such host', 'possible', 'certain'],
    ['dial tcp 1.2.3.4:443: i/o timeout', 'possible', 'certain'],
    ['net/http: TLS handshake timeout', 'possible', 'certain'],
    ['x509: certificate has expired or is not yet valid', 'possible', 'certain'],
    ['write /var/lib/containerd/x: no space left on device', 'possible', 'certain'],
    ['context deadline exceeded', 'possible', 'certain'],
    ['toomanyrequests: You have reached your pull rate limit', 'possible', 'certain'],
  ])('%s', (said, theirs, ours) => {
    expect([imageFault(said, false), imageFault(said, true)]).toEqual([theirs, ours]);
  });
});

describe('a container that is not made or started', () => {
  test.each([
    ['nvidia-container-cli: initialization error: nvml error: driver/library version mismatch', 'certain'],
    ['failed to create containerd task: unable to apply cgroup configuration', 'certain'],
    ['failed to get sandbox runtime: no runtime for "nvidia" is configured', 'certain'],
    // The image says which driver it needs.
    ['nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8', 'possible'],
    ['nvidia-container-cli: device error: unknown device id: 99', 'possible'],
    ['failed to create shim task: nobody knows', 'possible'],
    // What an image says may be made to look like anything.
    ['unable to find user driver/library version mismatch: no matching entries in passwd file', customers],
    ['error during container init: mkdir /no runtime for: read-only file system', customers],
    ['container has runAsNonRoot and image will run as root', customers],
  ])('%s', (said, fault) => {
    expect(containerFault(said, false)).toBe(fault);
  });
});

test.each([
  ['0/2 nodes are available: 1 node(s) had untolerated taint {broken: true}, 1 node(s) did not match', 'certain'],
  ['0/1 nodes are available: 1 node(s) were unschedulable', 'certain'],
  ['0/1 nodes are available: 1 Insufficient nvidia.com/gpu', 'possible'],
  ['0/1 nodes are available: 1 Too many pods', 'possible'],
])('no place is found: %s', (said, fault) => {
  expect(placeFault(said)).toBe(fault);
});

test.each([
  ['UnexpectedAdmissionError', 'certain'],
  ['NodeAffinity', 'certain'],
  ['OutOfcpu', 'possible'],
  ['Evicted', 'possible'],
  ['Preempting', 'possible'],
  [undefined, 'possible'],
])('the machine ends a pod: %s', (reason, fault) => {
  expect(disruptionFault(reason)).toBe(fault);
});

const container = (state: object, name = 'job'): V1ContainerStatus => ({
  name,
  image: 'x',
  imageID: '',
  ready: false,
  restartCount: 0,
  state,
});
const waiting = (reason: string, message: string, name?: string) => container({ waiting: { reason, message } }, name);
const ended = (exitCode: number, reason: string, message: string, name?: string) =>
  container({ terminated: { exitCode, reason, message } }, name);
const installed = ended(0, 'Completed', '', 'ssh-server');
const seen = (status: V1PodStatus) => observePod({ metadata: { uid: 'uid-1', resourceVersion: '1' }, status });

describe('a pod that is seen', () => {
  test('waiting for the image of the customer says whose doing that is', () => {
    const of = (message: string) =>
      seen({
        phase: 'Pending',
        initContainerStatuses: [installed],
        containerStatuses: [waiting('ErrImagePull', message)],
      });
    expect(of('x: not found').stuck).not.toHaveProperty('fault');
    expect(of('x: i/o timeout').stuck).toMatchObject({ fault: 'possible' });
  });

  test('waiting for the image of the broker has met a machine that cannot pull', () => {
    const initContainerStatuses = [waiting('ErrImagePull', 'x: i/o timeout', 'ssh-server')];
    expect(seen({ phase: 'Pending', initContainerStatuses })).toMatchObject({
      stuck: { fault: 'certain' },
      unprepared: true,
    });
  });

  test('waiting for a large image has been prepared by its machine', () => {
    const status = { initContainerStatuses: [installed], containerStatuses: [waiting('ContainerCreating', '')] };
    expect(seen({ phase: 'Pending', ...status })).not.toHaveProperty('unprepared');
  });

  test.each<[string, V1PodStatus, string | undefined]>([
    ['by itself', { containerStatuses: [ended(1, 'Error', '')] }, customers],
    ['out of memory', { containerStatuses: [ended(137, 'OOMKilled', '')] }, customers],
    ['never started', { containerStatuses: [ended(128, 'StartError', 'nvml: initialization error')] }, 'certain'],
    [
      'never started, of a bad image',
      { containerStatuses: [ended(128, 'StartError', 'unable to find user x')] },
      customers,
    ],
    ['without the SSH server', { initContainerStatuses: [ended(1, 'Error', 'no', 'ssh-server')] }, 'certain'],
    ['refused', { reason: 'UnexpectedAdmissionError', message: 'no devices' }, 'certain'],
    [
      'evicted for its own disk',
      { reason: 'Evicted', message: 'Pod ephemeral local storage usage exceeds' },
      customers,
    ],
  ])('ended %s', (_, status, fault) => {
    expect(podEnded(seen({ phase: 'Failed', ...status }), 'prov-1', {}, 0).fault).toBe(fault);
  });
});

test('a provider that went away, or is being emptied, is reason enough to go elsewhere, and no mark against it', () => {
  expect(lost('prov-1', { atMs: 0, sinceMs: 0, final: false }).fault).toBe('possible');
  expect(drained('prov-1').fault).toBe('possible');
});
