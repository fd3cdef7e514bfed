import { describe, expect, test } from '@jest/globals';
import type { V1ContainerStatus, V1PodStatus } from '@kubernetes/client-node';
import { containerFault, disruptionFault, imageFault, placeFault } from '../../src/domain/start-faults.js';
import { observePod } from '../../src/kubernetes/observe-pod.js';
import { drained, lost, podEnded } from '../../workflows/job-endings.js';

type Fault = 'certain' | 'possible' | undefined;
const customers = undefined;

describe('an image that is not pulled', () => {
  test.each<[string, Fault, Fault]>([
    // What is said, whose doing it is with the customer's image, and with the broker's own.
    ['failed to resolve reference "docker.io/x/y:1": docker.io/x/y:1: not found', customers, customers],
    ['manifest unknown: manifest unknown', customers, customers],
    ['failed to authorize: 401 Unauthorized', customers, customers],
    ['pull access denied, repository does not exist or may require authorization', customers, customers],
    ['no match for platform in manifest: not found', customers, customers],
    ['couldn\'t parse image name "x y": invalid reference format', customers, customers],
    ['Back-off pulling image "docker.io/x/y:1"', customers, 'possible'],
    ['dial tcp: lookup registry-1.docker.io: no such host', 'possible', 'certain'],
    ['dial tcp 1.2.3.4:443: connect: network is unreachable', 'possible', 'certain'],
    ['tls: failed to verify certificate: x509: certificate has expired or is not yet valid', 'possible', 'certain'],
    ['write /var/lib/containerd/x: read-only file system', 'possible', 'certain'],
    // A customer on the machine takes up its line, fills its disk and has its address refused by a registry.
    ['dial tcp 1.2.3.4:443: i/o timeout', 'possible', 'possible'],
    ['lookup registry-1.docker.io on 1.1.1.1:53: read udp: i/o timeout: no such host', 'possible', 'possible'],
    ['net/http: TLS handshake timeout', 'possible', 'possible'],
    ['write /var/lib/containerd/x: no space left on device', 'possible', 'possible'],
    ['context deadline exceeded', 'possible', 'possible'],
    ['toomanyrequests: You have reached your pull rate limit', 'possible', 'possible'],
    // A registry that is down is down for the whole fleet.
    ['unexpected status from HEAD request: 503 Service Unavailable', 'possible', 'possible'],
    ['dial tcp 1.2.3.4:443: connect: connection refused', 'possible', 'possible'],
  ])('the fault for a failed pull is found in its error: %s', (said, theirs, ours) => {
    expect([imageFault(said, 'customer'), imageFault(said, 'broker')]).toEqual([theirs, ours]);
    expect(imageFault(said, 'site')).toBe(theirs);
  });
});

describe('a container that is not made or started', () => {
  test.each<[string, Fault, Fault, Fault]>([
    // What is said, and whose doing it is with the customer's image, the site's and the broker's own.
    ['nvidia-container-cli: nvml error: driver/library version mismatch', 'possible', 'certain', 'certain'],
    ['failed to get sandbox runtime: no runtime for "nvidia" is configured', 'possible', 'certain', 'certain'],
    ['failed to create containerd task: unable to apply cgroup configuration', 'possible', 'certain', 'certain'],
    ['nvidia-container-cli: device error: unknown device id: 99', 'possible', 'possible', 'certain'],
    // An image holds a library of the driver's name, and says which driver it needs.
    ['nvidia-container-cli: mount error: /usr/lib/libnvidia-ml.so.1: file exists', 'possible', 'possible', 'certain'],
    ['nvidia-container-cli: requirement error: unsatisfied condition: cuda>=12.8', 'possible', 'possible', 'certain'],
    ['failed to create shim task: nobody knows', 'possible', 'possible', 'certain'],
    // Another customer has used it up.
    ['unable to apply cgroup configuration: no space left on device', 'possible', 'possible', 'possible'],
    ['fork/exec /proc/self/exe: resource temporarily unavailable', 'possible', 'possible', 'possible'],
    ['', 'possible', 'possible', 'possible'],
    // What an image says may be made to look like anything.
    [
      'unable to find user driver/library version mismatch: no matching entries in passwd',
      customers,
      customers,
      'certain',
    ],
    ['error during container init: mkdir /no runtime for: not a directory', customers, customers, 'certain'],
    ['container has runAsNonRoot and image will run as root', customers, customers, 'certain'],
  ])('the fault for a container that does not start is found in its error: %s', (said, theirs, sites, ours) => {
    const faults = (['customer', 'site', 'broker'] as const).map((owner) => containerFault(said, owner));
    expect(faults).toEqual([theirs, sites, ours]);
  });
});

test.each([
  ['0/2 nodes are available: 1 node(s) had untolerated taint {broken: true}, 1 node(s) did not match', 'certain'],
  ['0/2 nodes are available: 1 node(s) had untolerated taint(s)', 'certain'],
  ["0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector", 'certain'],
  ['0/1 nodes are available: 1 Insufficient nvidia.com/gpu', 'possible'],
  ["0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 Insufficient memory", 'possible'],
  ['0/1 nodes are available: 1 Too many pods', 'possible'],
  ['0/1 nodes are available: 1 node(s) were unschedulable', 'possible'],
  ['no nodes available to schedule pods', 'possible'],
])('the fault for a pod that cannot be scheduled is found in its message: %s', (said, fault) => {
  expect(placeFault(said)).toBe(fault);
});

test.each([
  [
    'UnexpectedAdmissionError',
    'Allocate failed due to no healthy devices present; cannot allocate unhealthy devices',
    'certain',
  ],
  [
    'UnexpectedAdmissionError',
    'Allocate failed due to device plugin GetPreferredAllocation rpc failed with err: x',
    'certain',
  ],
  [
    'UnexpectedAdmissionError',
    'Allocate failed due to [memorymanager] no layout fits, which is unexpected',
    'possible',
  ],
  ['NodeAffinity', '', 'certain'],
  ['Terminated', '', 'certain'],
  // Which sizes fit together, their customer chose.
  ['TopologyAffinityError', '', 'possible'],
  ['SMTAlignmentError', '', 'possible'],
  ['OutOfcpu', '', 'possible'],
  ['Evicted', '', 'possible'],
  ['Preempting', '', 'possible'],
  ['SomethingNew', '', 'possible'],
  [undefined, '', 'possible'],
])('the fault for a pod that its machine ends is found in the reason and message: %s, %s', (reason, message, fault) => {
  expect(disruptionFault(reason, message)).toBe(fault);
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
const seen = (status: V1PodStatus, annotations: Record<string, string> = {}) =>
  observePod({ metadata: { uid: 'uid-1', resourceVersion: '1', annotations }, status });

describe('an observed pod', () => {
  test('a pod that waits for the customer’s image says whose fault that is', () => {
    const of = (message: string) =>
      seen({
        phase: 'Pending',
        initContainerStatuses: [installed],
        containerStatuses: [waiting('ErrImagePull', message)],
      });
    expect(of('x: not found').stuck).not.toHaveProperty('fault');
    expect(of('x: i/o timeout').stuck).toMatchObject({ fault: 'possible' });
  });

  test('a pod that waits for the broker’s image is on a machine that cannot pull', () => {
    const initContainerStatuses = [waiting('ErrImagePull', 'x: no such host', 'ssh-server')];
    expect(seen({ phase: 'Pending', initContainerStatuses })).toMatchObject({ stuck: { fault: 'certain' } });
  });

  const condition = (type: string, status: string) => ({ type, status });
  const placed = condition('PodScheduled', 'True');
  test.each<[string, V1PodStatus, Fault]>([
    ['that nobody has placed', {}, undefined],
    ['that the scheduler finds no place for', { conditions: [condition('PodScheduled', 'False')] }, undefined],
    ['of which its kubelet says nothing', { conditions: [placed] }, 'certain'],
    [
      'without a network',
      { conditions: [placed, condition('PodReadyToStartContainers', 'False')], startTime: new Date() },
      'certain',
    ],
    ['whose first image is pulled', { conditions: [placed], startTime: new Date() }, 'possible'],
    [
      "that has got as far as the customer's image",
      {
        conditions: [placed],
        startTime: new Date(),
        initContainerStatuses: [installed],
        containerStatuses: [waiting('ContainerCreating', '')],
      },
      undefined,
    ],
  ])('a pod %s has the right fault for not being prepared', (_, status, unprepared) => {
    expect(seen({ phase: 'Pending', ...status }).unprepared).toBe(unprepared);
  });

  test.each<[string, V1PodStatus, string | undefined]>([
    ['by itself', { containerStatuses: [ended(1, 'Error', '')] }, customers],
    ['out of memory', { containerStatuses: [ended(137, 'OOMKilled', '')] }, customers],
    ['never started', { containerStatuses: [ended(128, 'StartError', 'driver/library version mismatch')] }, 'possible'],
    [
      'never started, of a bad image',
      { containerStatuses: [ended(128, 'StartError', 'unable to find user x')] },
      customers,
    ],
    ['without the SSH server', { initContainerStatuses: [ended(1, 'Error', 'no', 'ssh-server')] }, 'certain'],
    ['without the SSH server or a word', { initContainerStatuses: [ended(1, 'Error', '', 'ssh-server')] }, 'possible'],
    ['refused', { reason: 'UnexpectedAdmissionError', message: 'no unhealthy devices' }, 'certain'],
    [
      'evicted for its own disk',
      { reason: 'Evicted', message: 'Pod ephemeral local storage usage exceeds' },
      customers,
    ],
  ])('the right fault is found for a pod that ended %s', (_, status, fault) => {
    expect(podEnded(seen({ phase: 'Failed', ...status }), 'prov-1', {}, 0).fault).toBe(fault);
  });

  test('a pod of the site’s own image that never started is the machine’s fault', () => {
    const containerStatuses = [ended(128, 'StartError', 'driver/library version mismatch')];
    expect(seen({ phase: 'Failed', containerStatuses }, { 'worldland.io/site-image': 'true' }).fault).toBe('certain');
  });
});

test('a provider that went away or is drained is reason enough to move, and not certain to be at fault', () => {
  expect(lost('prov-1', { atMs: 0, sinceMs: 0, final: false }).fault).toBe('possible');
  expect(drained('prov-1').fault).toBe('possible');
});
