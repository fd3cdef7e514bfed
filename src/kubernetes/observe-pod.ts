import type { V1ContainerStateTerminated, V1Pod, V1PodStatus } from '@kubernetes/client-node';
import { instant, instantAt, printable, sentence, wholeNumber, type Printable } from '../domain/outside.js';
import { pullErrorKind } from '../domain/pull-errors.js';
import {
  containerFault,
  disruptionFault,
  imageFault,
  placeFault,
  type ImageOwner,
  type MachineFault,
} from '../domain/start-faults.js';
import type { PodObservation } from '../../workflows/job-messages.js';
import { annotations } from './names.js';

/** The container that a customer rents; the other one only provides the SSH server. */
export const jobContainer = 'job';

/** The termination reason of a container that could not be started at all. */
const neverStarted: ReadonlySet<string> = new Set(['StartError', 'ContainerCannotRun']);

/** The kubelet's waiting reasons when an image cannot be pulled. */
export const imageTrouble: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
]);

/** The kubelet's waiting reasons when the image is present but no container can be created or started from it. */
const creationTrouble: ReadonlySet<string> = new Set([
  'CreateContainerError',
  'CreateContainerConfigError',
  'RunContainerError',
  'StartError',
  'CrashLoopBackOff',
  'PreCreateHookError',
  'PreStartHookError',
  'PostStartHookError',
]);

/**
 * The facts about a job's pod that its workflow needs. A pod is `running` when it is Ready: SSH answers.
 *
 * The provider's kubelet writes the status, and root in the container writes messages in it, so it is trusted no
 * further than necessary.
 *
 * @param nowMs by the broker's own clock.
 */
export function observePod(pod: V1Pod, nowMs = Date.now()): PodObservation {
  const { status } = pod;
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return observeEnded(pod, status, nowMs);
  if (status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True')) {
    return { phase: 'running', ...identityOf(pod) };
  }
  const stuck = stuckBecause(status, imageOwner(pod));
  const unprepared = whyUnprepared(status);
  return {
    phase: 'pending',
    ...identityOf(pod),
    ...(stuck === undefined ? {} : { stuck }),
    ...(unprepared === undefined ? {} : { unprepared }),
  };
}

/** The observation of a pod that was deleted. */
export function observeDeletedPod(pod: V1Pod): PodObservation {
  const seenOverAt = instantAt(Date.now());
  const { disrupted, endedAt = seenOverAt } = observePod(pod);
  return { phase: 'gone', ...identityOf(pod), endedAt, seenOverAt, ...(disrupted === undefined ? {} : { disrupted }) };
}

/** The observation of a pod that was looked up and does not exist. */
export function gonePod(uid: string): PodObservation {
  return { phase: 'gone', uid, resourceVersion: `gone-${uid}`, seenOverAt: instantAt(Date.now()) };
}

function identityOf({ metadata }: V1Pod): Pick<PodObservation, 'uid' | 'resourceVersion'> {
  return { uid: metadata?.uid ?? '', resourceVersion: metadata?.resourceVersion ?? '' };
}

/** How a pod ended: the pod's own reason comes first, then that of its container, found by name. */
function observeEnded(pod: V1Pod, status: V1PodStatus, nowMs: number): PodObservation {
  const terminated = terminatedOf(status);
  const exitCode = wholeNumber(terminated?.exitCode, { min: 0, max: 255 });
  const message = printable(terminated?.message) ?? printable(terminated?.reason) ?? initMessage(status);
  const endedAt = instant(terminated?.finishedAt) ?? instant(disruptionOf(status)?.lastTransitionTime);
  // Somebody deleted the pod, which stopped its containers.
  const isDeleted = isGiven(pod.metadata?.deletionTimestamp);
  const cause = causeOf(status, terminated, exitCode);
  const isWell = !isDeleted && status.phase === 'Succeeded' && exitCode === 0 && Object.keys(cause).length === 0;
  const ran = isWell ? timeOfRun(pod, terminated, nowMs) : undefined;
  return {
    phase: isDeleted ? 'gone' : status.phase === 'Succeeded' ? 'succeeded' : 'failed',
    ...identityOf(pod),
    seenOverAt: instantAt(nowMs),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(message === undefined ? {} : { message }),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(ran === undefined ? {} : { ran }),
    ...withFault(cause, pod, terminated),
  };
}

/**
 * When a container ran. The machine's owner is paid for that time and writes it himself, so it is kept between what the
 * cluster and this process know: the API server wrote when the pod was made.
 */
function timeOfRun(
  { metadata }: V1Pod,
  ended: V1ContainerStateTerminated | undefined,
  nowMs: number,
): PodObservation['ran'] {
  const [made, started, finished] = [metadata?.creationTimestamp, ended?.startedAt, ended?.finishedAt].map(instant);
  if (made === undefined || started === undefined || finished === undefined) return undefined;
  const now = instantAt(nowMs);
  const from = started < made ? made : started;
  const to = finished > now ? now : finished;
  return from < to ? { from, to } : undefined;
}

type Cause = Pick<PodObservation, 'cause' | 'disrupted' | 'refused' | 'fault'>;

/** Whether the machine is to blame for the end, which depends on whether the job had been reachable before. */
function withFault(cause: Cause, pod: V1Pod, terminated: V1ContainerStateTerminated | undefined): Cause {
  const fault = endFault(cause, pod, terminated);
  return fault === undefined ? cause : { ...cause, fault };
}

function endFault(cause: Cause, pod: V1Pod, ended?: V1ContainerStateTerminated): MachineFault | undefined {
  const status = pod.status!;
  if (cause.disrupted !== undefined) return disruptionFault(printable(status.reason), status.message ?? '');
  if (cause.cause !== undefined) return undefined;
  if (ended === undefined) {
    const failed = failedInit(status);
    return failed === undefined ? undefined : containerFault(failed.message ?? '', 'broker');
  }
  return neverStarted.has(ended.reason ?? '') ? containerFault(ended.message ?? '', imageOwner(pod)) : undefined;
}

/** Only the API server writes a pod's annotations; the kubelet and the customer do not. */
function imageOwner({ metadata }: V1Pod): ImageOwner {
  return metadata?.annotations?.[annotations.siteImage] === 'true' ? 'site' : 'customer';
}

/**
 * Whether a machine that was given a pod has not even reached the customer's image: everything before that belongs to
 * the broker and takes seconds. Without a network or a message of its kubelet, the machine is at fault; later there may
 * be a pull, which other jobs on the machine can delay. A pod that has not been scheduled says nothing about any
 * machine.
 */
function whyUnprepared(status: V1PodStatus | undefined): MachineFault | undefined {
  const of = (type: string) => status?.conditions?.find((condition) => condition.type === type)?.status;
  if (of('PodScheduled') !== 'True' || status?.initContainerStatuses?.[0]?.state?.terminated?.exitCode === 0) {
    return undefined;
  }
  return !isGiven(status?.startTime) || of('PodReadyToStartContainers') === 'False' ? 'certain' : 'possible';
}

/**
 * Why a pod ended, unless its container alone is the cause. The kubelet or a controller sets a pod's own reason, never
 * a program in the pod. So it is the machine's fault, except for the two reasons that concern the customer's own
 * limits.
 */
function causeOf(status: V1PodStatus, terminated: V1ContainerStateTerminated | undefined, exitCode?: number): Cause {
  const disruption = disruptionOf(status);
  if (disruption !== undefined) {
    const why = disruption.message ?? disruption.reason;
    return { disrupted: printable(why) ?? sentence('the cluster ended the pod') };
  }
  const reason = printable(status.reason);
  if (reason === 'DeadlineExceeded') return { cause: 'deadline' };
  if (reason === 'Evicted' && isOwnDisk(status.message)) return { cause: 'disk_full', ...told(status.message) };
  if (reason !== undefined) {
    const disrupted = sentence(`${reason}: ${printable(status.message) ?? 'no more is known'}`);
    // If the pod had already run, its container disappeared before the machine came back.
    return reason === 'Evicted' ? { disrupted } : { disrupted, refused: terminated === undefined };
  }
  if (terminated?.reason === 'OOMKilled') return { cause: 'out_of_memory' };
  if (terminated?.reason === 'ContainerStatusUnknown') {
    return { disrupted: sentence('the machine lost track of the container') };
  }
  if (status.phase === 'Succeeded' && exitCode !== 0) {
    return { disrupted: sentence('the machine says that the pod is done, and not how its container ended') };
  }
  return {};
}

function told(message: unknown): { message?: Printable } {
  const text = printable(message);
  return text === undefined ? {} : { message: text };
}

/**
 * Whether a pod was evicted because it exceeded its ordered disk, and not because the machine ran short. Only the
 * kubelet's message tells the two apart.
 */
function isOwnDisk(message: unknown): boolean {
  if (typeof message !== 'string' || message.startsWith('The node ')) return false;
  return /ephemeral[ -](?:local )?storage|emptyDir/i.test(message) && /exceed/i.test(message);
}

function terminatedOf({ containerStatuses }: V1PodStatus): V1ContainerStateTerminated | undefined {
  const status = containerStatuses?.find(({ name }) => name === jobContainer);
  return status?.state?.terminated ?? undefined;
}

/** For a pod whose own container never ran: why the init container failed. */
function initMessage(status: V1PodStatus): Printable | undefined {
  const failed = failedInit(status);
  return failed === undefined
    ? undefined
    : sentence(`the SSH server could not be installed: ${failed.message ?? failed.reason ?? 'no more is known'}`);
}

function failedInit({ initContainerStatuses }: V1PodStatus): V1ContainerStateTerminated | undefined {
  return initContainerStatuses?.map(({ state }) => state?.terminated).find((ended) => (ended?.exitCode ?? 0) !== 0);
}

/** The condition that the cluster sets on a pod it ends for its own reasons, such as a node's shutdown or deletion. */
function disruptionOf({ conditions }: V1PodStatus) {
  return conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True');
}

function stuckBecause(status: V1PodStatus | undefined, owner: ImageOwner): PodObservation['stuck'] {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  // If a node is nominated, the pod only waits for miners to be preempted there.
  const placeIsMade = (status?.nominatedNodeName ?? '') !== '';
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable' && !placeIsMade) {
    const message = printable(scheduled.message) ?? sentence('no node fits');
    return { reason: 'unschedulable', message, fault: placeFault(scheduled.message ?? '') };
  }
  for (const [whose, list] of [
    ['broker', status?.initContainerStatuses],
    [owner, status?.containerStatuses],
  ] as const) {
    for (const { image, state } of list ?? []) {
      const reason = state?.waiting?.reason ?? '';
      const text = state?.waiting?.message ?? '';
      const words = printable(text) ?? reason;
      if (imageTrouble.has(reason)) {
        const named = image ?? 'image';
        return {
          reason: 'image_pull_failed',
          message: sentence(`${named}: ${pullErrorKind(text)}`),
          words: sentence(`${named}: ${words}`),
          ...faulty(imageFault(text, whose)),
        };
      }
      if (creationTrouble.has(reason)) {
        const message = sentence(`${reason}: ${words}`);
        return { reason: 'container_not_created', message, ...faulty(containerFault(text, whose)) };
      }
    }
  }
  return undefined;
}

function faulty(fault: MachineFault | undefined): { fault?: MachineFault } {
  return fault === undefined ? {} : { fault };
}

/** Kubernetes sends missing values as `null` or omits them. */
function isGiven(value: Date | null | undefined): boolean {
  return value !== undefined && value !== null;
}
