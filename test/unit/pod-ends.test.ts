import { describe, expect, test } from '@jest/globals';
import type { V1ContainerStateTerminated, V1ContainerStatus, V1Pod, V1PodStatus } from '@kubernetes/client-node';
import { observePod } from '../../src/kubernetes/observe-pod.js';
import { podEnded } from '../../workflows/job-endings.js';

const now = Date.UTC(2026, 10, 25, 12);
const finishedAt = new Date(now - 60_000);

type Ended = Partial<Record<keyof V1ContainerStateTerminated, unknown>>;
/** As the client reads it: what the API server says to be `null` is `null`, whatever the type says. */
const containers = (ended: Ended, name = 'job'): V1ContainerStatus[] =>
  [
    { name, image: 'x', imageID: '', ready: false, restartCount: 0, state: { terminated: ended } },
  ] as unknown as V1ContainerStatus[];
const podWith = (status: V1PodStatus): V1Pod => ({ metadata: { uid: 'uid-1', resourceVersion: '1' }, status });
const endOf = (status: V1PodStatus, news = {}) => podEnded(observePod(podWith(status)), 'prov-1', news, now);

const ownDisk = 'Pod ephemeral local storage usage exceeds the total limit of containers 20Gi. ';
const disruption = { type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet' };

describe('the end of a pod', () => {
  test.each<[string, V1PodStatus, object]>([
    [
      'that ended with 0 is the customer’s own doing',
      { phase: 'Succeeded', containerStatuses: containers({ exitCode: 0, reason: 'Completed', finishedAt }) },
      { status: 'completed' },
    ],
    [
      'evicted for what it wrote is told as a full disk, though its main process obeyed',
      {
        phase: 'Failed',
        reason: 'Evicted',
        message: ownDisk,
        containerStatuses: containers({ exitCode: 0, finishedAt }),
      },
      { status: 'failed', failure: { reason: 'storage_exceeded', cause: 'disk_full' } },
    ],
    [
      'evicted for what it wrote is told as a full disk, though it was killed',
      {
        phase: 'Failed',
        reason: 'Evicted',
        message: ownDisk,
        containerStatuses: containers({ exitCode: 137, reason: 'Error', finishedAt }),
      },
      { status: 'failed', failure: { reason: 'storage_exceeded', cause: 'disk_full' } },
    ],
    [
      'evicted for what its container wrote is told as a full disk',
      {
        phase: 'Failed',
        reason: 'Evicted',
        message: 'Container job exceeded its local ephemeral storage limit "20Gi". ',
        containerStatuses: containers({ exitCode: 137, finishedAt }),
      },
      { status: 'failed', failure: { reason: 'storage_exceeded', cause: 'disk_full' } },
    ],
    [
      'evicted because its machine ran short is the provider’s doing',
      {
        phase: 'Failed',
        reason: 'Evicted',
        message:
          'The node was low on resource: ephemeral-storage. Container job was using 5Gi, which exceeds its request of 1Gi. ',
        containerStatuses: containers({ exitCode: 137, finishedAt }),
      },
      { status: 'provider_lost' },
    ],
    [
      'refused by its machine is the provider’s doing',
      {
        phase: 'Failed',
        reason: 'UnexpectedAdmissionError',
        message: 'no healthy devices present',
        containerStatuses: [],
      },
      { status: 'provider_lost', failure: { reason: 'provider_lost' } },
    ],
    [
      'refused for want of a GPU is the provider’s doing',
      { phase: 'Failed', reason: 'OutOfnvidia.com/gpu', message: 'Node didn’t have enough resource' },
      { status: 'provider_lost' },
    ],
    [
      'on a machine that was shut down is the provider’s doing, though it ended with 0',
      {
        phase: 'Succeeded',
        reason: 'Terminated',
        message: 'Pod was terminated in response to imminent node shutdown.',
        containerStatuses: containers({ exitCode: 0, finishedAt }),
      },
      { status: 'provider_lost' },
    ],
    [
      'that gave way to another is the provider’s doing',
      {
        phase: 'Failed',
        conditions: [{ ...disruption, reason: 'PreemptionByScheduler', message: 'preempting to accommodate another' }],
        containerStatuses: containers({ exitCode: 143, finishedAt }),
      },
      { status: 'provider_lost' },
    ],
    [
      'whose container the machine lost is the provider’s doing',
      {
        phase: 'Failed',
        containerStatuses: containers({ exitCode: 137, reason: 'ContainerStatusUnknown', finishedAt: null }),
      },
      { status: 'provider_lost' },
    ],
    [
      'that is done, and nobody says how, is the provider’s doing',
      { phase: 'Succeeded', containerStatuses: [] },
      { status: 'provider_lost' },
    ],
    [
      'beyond its deadline is an expiry',
      { phase: 'Failed', reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the deadline' },
      { status: 'expired' },
    ],
    [
      'that ran out of memory says so, though it ended with 0',
      { phase: 'Succeeded', containerStatuses: containers({ exitCode: 0, reason: 'OOMKilled', finishedAt }) },
      { status: 'failed', failure: { reason: 'container_exited', cause: 'out_of_memory' } },
    ],
    [
      'that was killed for an unknown reason says no more than that',
      { phase: 'Failed', containerStatuses: containers({ exitCode: 137, reason: 'Error', finishedAt }) },
      {
        status: 'failed',
        failure: { reason: 'container_exited', message: 'the container stopped with exit code 137: Error' },
      },
    ],
  ])('%s', (_what, status, ending) => {
    const told = endOf(status);
    expect(told).toMatchObject(ending);
    if (!('failure' in ending && 'cause' in (ending.failure as object))) expect(told.failure?.cause).toBeUndefined();
  });

  test('a pod’s end is that of the job’s container, whatever other containers there are', () => {
    const earlier = new Date(now - 3_600_000);
    const status = {
      phase: 'Failed',
      containerStatuses: [
        ...containers({ exitCode: 0, finishedAt: earlier }, 'another'),
        ...containers({ exitCode: 3, finishedAt }),
      ],
      initContainerStatuses: containers({ exitCode: 0, finishedAt: earlier }, 'ssh-server'),
    } as V1PodStatus;
    expect(endOf(status)).toMatchObject({
      podEndedAt: finishedAt.toISOString(),
      message: 'the container stopped with exit code 3',
    });
  });

  test('a pod’s end has no time without its container’s status, and never another container’s', () => {
    const status = { phase: 'Failed', initContainerStatuses: containers({ exitCode: 0, finishedAt }, 'ssh-server') };
    expect(endOf(status as V1PodStatus).podEndedAt).toBeUndefined();
  });

  test.each([
    ['null', null],
    ['missing', undefined],
    ['the zero time', new Date('0001-01-01T00:00:00Z')],
    ['the epoch', new Date(0)],
  ])('a pod’s end whose time is %s has no time', (_what, time) => {
    const status = { phase: 'Failed', containerStatuses: containers({ exitCode: 1, finishedAt: time }) };
    expect(endOf(status).podEndedAt).toBeUndefined();
  });

  test('a pod’s end has the time of the disruption if its container has none', () => {
    const conditions = [{ ...disruption, lastTransitionTime: finishedAt }];
    const status = { phase: 'Failed', conditions, containerStatuses: containers({ exitCode: 137, finishedAt: null }) };
    expect(endOf(status).podEndedAt).toBe(finishedAt.toISOString());
  });

  test.each([
    ['a NUL byte', 'core\0dumped', 'coredumped'],
    ['an escape sequence', '\u001b[2Jcore', '[2Jcore'],
    ['text that runs backwards', 'core\u202edumped', 'coredumped'],
    ['lines', 'core\ndumped\n', 'core dumped'],
    ['what an operator would say of memory', 'OOMKilled', 'OOMKilled'],
  ])('a pod’s end can be told when its container leaves %s', (_what, message, shown) => {
    const status = { phase: 'Failed', containerStatuses: containers({ exitCode: 131, message, finishedAt }) };
    const { failure } = endOf(status);
    expect(failure).toEqual({
      reason: 'container_exited',
      message: `the container stopped with exit code 131: ${shown}`,
    });
  });

  test('a pod’s end is told in one sentence, however long its container’s message is', () => {
    const status = {
      phase: 'Failed',
      containerStatuses: containers({ exitCode: 1, message: 'x'.repeat(4_096), finishedAt }),
    };
    expect(endOf(status).message.length).toBeLessThanOrEqual(400);
  });

  test.each([1e300, -5, NaN, null, '7'])('a pod’s end has no impossible exit code: %p', (exitCode) => {
    const status = { phase: 'Failed', containerStatuses: containers({ exitCode, finishedAt }) };
    expect([undefined, 0, 255]).toContain(observePod(podWith(status)).exitCode);
  });

  test('a pod refused after a restart was served until the machine was last seen before it', () => {
    const refused = { phase: 'Failed', reason: 'UnexpectedAdmissionError', containerStatuses: [] };
    const gap = { fromMs: now - 180_000, toMs: now - 2_000, cause: 'node_not_ready' };
    expect(endOf(refused, { gap })).toMatchObject({ status: 'provider_lost', lastSeenMs: gap.fromMs });
    // An absence of another day is no restart.
    const old = { ...gap, fromMs: now - 90_000_000, toMs: now - 86_400_000 };
    expect(endOf(refused, { gap: old }).lastSeenMs).toBeUndefined();
    const away = { atMs: now - 100_000, sinceMs: now - 150_000, final: false };
    expect(endOf(refused, { away })).toMatchObject({ status: 'provider_lost', lastSeenMs: away.sinceMs });
  });
});

test.each([
  ['CreateContainerError', 'container_not_created'],
  ['CreateContainerConfigError', 'container_not_created'],
  ['RunContainerError', 'container_not_created'],
  ['ErrImagePull', 'image_pull_failed'],
  ['ImageInspectError', 'image_pull_failed'],
  ['PodInitializing', undefined],
  ['ContainerCreating', undefined],
])('a pod whose container waits with %s is stuck for that: %s', (reason, stuck) => {
  const state = { waiting: { reason, message: 'no\0more' } };
  const status = {
    phase: 'Pending',
    containerStatuses: [{ name: 'job', image: 'x', imageID: '', ready: false, restartCount: 0, state }],
  };
  expect(observePod(podWith(status)).stuck?.reason).toBe(stuck);
});

describe('a pod whose container ended well', () => {
  const made = new Date(now - 600_000);
  const ended = (change: Ended, at: Partial<V1Pod['metadata']> = {}): V1Pod => ({
    metadata: { uid: 'uid-1', resourceVersion: '1', creationTimestamp: made, ...at },
    status: {
      phase: 'Succeeded',
      containerStatuses: containers({
        ...{ exitCode: 0, reason: 'Completed', startedAt: new Date(now - 300_000), finishedAt },
        ...change,
      }),
    },
  });
  const ranAt = (pod: V1Pod) => observePod(pod, now).ran;

  test('ran from its start to its end, as its machine says', () => {
    expect(ranAt(ended({}))).toEqual({ from: '2026-11-25T11:55:00.000Z', to: '2026-11-25T11:59:00.000Z' });
  });

  test('did not run before the pod was made, or after it was looked at, whatever its machine says', () => {
    const long = { startedAt: new Date(now - 86_400_000), finishedAt: new Date(now + 86_400_000) };
    expect(ranAt(ended(long))).toEqual({ from: '2026-11-25T11:50:00.000Z', to: '2026-11-25T12:00:00.000Z' });
  });

  test.each<[string, V1Pod]>([
    ['that failed', ended({ exitCode: 1 })],
    ['whose start is not told', ended({ startedAt: null })],
    ['whose end is not told', ended({ finishedAt: null })],
    ['that ended before it began', ended({ startedAt: new Date(now), finishedAt: new Date(now - 1) })],
    ['that somebody deleted', ended({}, { deletionTimestamp: new Date(now) })],
    ['that the cluster took back', { ...ended({}), status: { ...ended({}).status, conditions: [disruption] } }],
  ])('is not known to have run: one %s', (_, pod) => {
    expect(ranAt(pod)).toBeUndefined();
  });
});
