import type { Random } from '../support/random.js';
import type { ErrorCode } from '../../src/wire/error-codes.js';
import type { FinalJobStatus } from '../../src/wire/statuses.js';

/** An acceptable end of a job after a hostile status. */
interface RightEnd {
  status: FinalJobStatus;
  reason?: ErrorCode;
}

/** A status that a hostile kubelet, or a customer who is root in his container, has written about a pod. */
export interface HostileStatus {
  name: string;
  /** A merge patch of the pod's status; if absent, the pod is deleted. */
  status?: object;
  /** The end that it may cause; if absent, the job continues as if nothing had happened. */
  end?: RightEnd;
  /** When the container ended according to the status, however absurd. */
  saidMs?: number;
}

const second = 1_000;
const hour = 3_600 * second;

type Pick = Random['pick'];

/** Whole seconds, as Kubernetes keeps times. */
const rfc3339 = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z');
const wholeSecond = (ms: number) => Math.floor(ms / second) * second;

/** A time's text in the status, and its value. */
interface SaidTime {
  written?: string | null;
  saidMs?: number;
}

function someTime(pick: Pick, nowMs: number, readyAtMs: number): SaidTime {
  const said = (ms: number) => ({ written: rfc3339(ms), saidMs: wholeSecond(ms) });
  return pick<() => SaidTime>([
    () => ({}),
    () => ({ written: null }),
    () => said(0),
    () => said(readyAtMs - hour),
    () => said(Date.UTC(2126, 0, 1)),
    () => said(Math.max(readyAtMs + second, nowMs - 2 * second)),
    () => said(nowMs),
    () => said(nowMs + 2 * second),
  ])();
}

const texts: (string | null | undefined)[] = [
  undefined,
  null,
  '',
  'out of luck',
  'core\0dumped\0',
  '\u001b[2J\u001b]0;owned\u0007 red \u001b[31m',
  '\u202egnp.exe\u2066 \u200bthe other way round\u2069',
  '\ud800 half a pair, \uffff and \u{e0041}\u{e007f}',
  `${'x'.repeat(2_048)}\n${'\0'.repeat(2_048)}`,
  `OOMKilled'); drop table jobs; --`,
];

/** A random status out of those that a job has to survive. */
export function hostileStatus({ pick, whole }: Random, nowMs: number, readyAtMs: number): HostileStatus {
  const { written, saidMs } = someTime(pick, nowMs, readyAtMs);
  const text = () => pick(texts);
  const finished = written === undefined ? {} : { finishedAt: written };
  const container = (name: string, terminated: object) => ({
    ...{ name, image: 'x', imageID: '', ready: false, restartCount: 0 },
    state: { terminated },
  });
  /** A pod whose own container has ended like this. */
  const ended = (phase: string, exitCode: number, reason: string | undefined, pod: object = {}) => ({
    phase,
    containerStatuses: [
      container('job', { exitCode, reason, message: text(), startedAt: pick([null, undefined]), ...finished }),
    ],
    ...pod,
  });
  /** A pod with nothing but a status of the whole pod. */
  const bare = (phase: string, pod: object = {}) => ({
    ...{ phase, containerStatuses: null, initContainerStatuses: null, reason: null, message: null },
    ...pod,
  });
  const fails = (reason: ErrorCode): RightEnd => ({ status: 'failed', reason });
  const lost: RightEnd = { status: 'provider_lost', reason: 'provider_lost' };
  const when = saidMs === undefined ? {} : { saidMs };
  const ownDisk = {
    reason: 'Evicted',
    message: 'Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ',
  };
  const nodeDisk = {
    reason: 'Evicted',
    message: 'The node was low on resource: ephemeral-storage. Container job exceeds its request of 0.',
  };
  const unknown = ['ContainerStatusUnknown', 'The container could not be located when the pod was terminated'] as const;
  const exitCode = pick([1, 2, 126, 137, 143, 255, -1, 2_147_483_647]);

  return pick<() => HostileStatus>([
    () => ({
      ...{ name: `exit code ${exitCode}`, end: fails('container_exited'), ...when },
      status: ended('Failed', exitCode, 'Error'),
    }),
    () => ({
      ...{ name: 'done', end: { status: 'completed' }, ...when },
      status: ended('Succeeded', 0, 'Completed'),
    }),
    () => ({
      ...{ name: 'done, out of memory', end: fails('container_exited'), ...when },
      status: ended('Succeeded', 0, 'OOMKilled'),
    }),
    () => ({
      ...{ name: 'out of memory', end: fails('container_exited'), ...when },
      status: ended('Failed', 137, 'OOMKilled'),
    }),
    () => ({
      ...{ name: 'evicted for its own disk', end: fails('storage_exceeded'), ...when },
      status: pick([ended('Failed', 137, 'Error', ownDisk), ended('Succeeded', 0, 'Completed', ownDisk)]),
    }),
    () => ({
      ...{ name: 'evicted for its own disk, container unknown', end: fails('storage_exceeded'), ...when },
      status: ended('Failed', 137, unknown[0], ownDisk),
    }),
    () => ({
      ...{ name: 'evicted for the disk of the node', end: lost, ...when },
      status: ended('Failed', 137, 'Error', nodeDisk),
    }),
    () => ({
      name: 'refused at the door',
      end: lost,
      status: bare('Failed', {
        reason: pick([
          'UnexpectedAdmissionError',
          'OutOfcpu',
          'OutOfnvidia.com/gpu',
          'NodeAffinity',
          'x'.repeat(4_096),
        ]),
        message: text(),
      }),
    }),
    () => ({ ...{ name: 'container unknown', end: lost, ...when }, status: ended('Failed', 137, unknown[0]) }),
    () => ({
      ...{ name: 'past its deadline', end: { status: 'expired' }, ...when },
      status: ended('Failed', 137, 'Error', { reason: 'DeadlineExceeded', message: text() }),
    }),
    () => ({
      ...{ name: 'node shut down', end: lost, ...when },
      status: ended('Failed', 143, 'Error', {
        reason: 'Terminated',
        message: 'Pod was terminated in response to imminent node shutdown.',
      }),
    }),
    () => ({
      ...{ name: 'disrupted', end: lost, ...when },
      status: ended('Failed', 137, 'Error', {
        conditions: [{ type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager', message: text() }],
      }),
    }),
    () => ({
      name: 'only its init container',
      end: fails('container_exited'),
      status: bare('Failed', {
        initContainerStatuses: [
          container('ssh-server', { exitCode: whole(0, 1), message: text(), finishedAt: rfc3339(nowMs - hour) }),
        ],
      }),
    }),
    () => ({
      name: 'another container',
      end: fails('container_exited'),
      status: bare('Failed', {
        containerStatuses: [container('sidecar', { exitCode: 0, finishedAt: rfc3339(nowMs - second) })],
      }),
    }),
    () => ({ name: 'failed, nothing else', end: fails('container_exited'), status: bare('Failed') }),
    () => ({ name: 'done, nothing else', end: lost, status: bare('Succeeded') }),
    () => ({
      ...{ name: 'done with an exit code', end: lost, ...when },
      status: ended('Succeeded', 3, 'Error'),
    }),
    () => ({
      name: 'goes on, with strange words',
      status: { message: text(), reason: pick(['Evicted', 'DeadlineExceeded', '\0']), containerStatuses: null },
    }),
    () => ({ name: 'pod deleted', end: fails('pod_deleted') }),
  ])();
}
