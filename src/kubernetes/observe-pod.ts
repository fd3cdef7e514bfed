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

/** The container that a customer rents; the other one only brings the SSH server. */
export const jobContainer = 'job';

/** How a container ends that could not be started at all. */
const neverStarted: ReadonlySet<string> = new Set(['StartError', 'ContainerCannotRun']);

/** Reasons a kubelet gives for a container that waits because its image is not to be had. */
export const imageTrouble: ReadonlySet<string> = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'ImageInspectError',
  'RegistryUnavailable',
  'SignatureValidationFailed',
]);

/** Reasons for one whose image is there, and which cannot be made or started from it. */
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
 * What a job's workflow needs to know of its pod. A pod is `running` when it is Ready: SSH answers.
 *
 * The status is written by the provider's kubelet, and messages in it by whoever is root in the container: none of it is
 * believed further than it has to be.
 */
export function observePod(pod: V1Pod): PodObservation {
  const { status } = pod;
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return observeEnded(pod, status);
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

/** What is left to say of a pod that was deleted. */
export function observeDeletedPod(pod: V1Pod): PodObservation {
  const { disrupted, endedAt = instantAt(Date.now()) } = observePod(pod);
  return { phase: 'gone', ...identityOf(pod), endedAt, ...(disrupted === undefined ? {} : { disrupted }) };
}

/** A pod that was looked for and is not there. */
export function gonePod(uid: string): PodObservation {
  return { phase: 'gone', uid, resourceVersion: `gone-${uid}` };
}

function identityOf({ metadata }: V1Pod): Pick<PodObservation, 'uid' | 'resourceVersion'> {
  return { uid: metadata?.uid ?? '', resourceVersion: metadata?.resourceVersion ?? '' };
}

/** The end of a pod: what the pod says of itself comes first, then its container, found by name. */
function observeEnded(pod: V1Pod, status: V1PodStatus): PodObservation {
  const terminated = terminatedOf(status);
  const exitCode = wholeNumber(terminated?.exitCode, { min: 0, max: 255 });
  const message = printable(terminated?.message) ?? printable(terminated?.reason) ?? initMessage(status);
  const endedAt = instant(terminated?.finishedAt) ?? instant(disruptionOf(status)?.lastTransitionTime);
  return {
    // Somebody deleted it, and its containers have stopped for that.
    phase: isGiven(pod.metadata?.deletionTimestamp) ? 'gone' : status.phase === 'Succeeded' ? 'succeeded' : 'failed',
    ...identityOf(pod),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(message === undefined ? {} : { message }),
    ...(endedAt === undefined ? {} : { endedAt }),
    ...withFault(causeOf(status, terminated, exitCode), pod, terminated),
  };
}

type Cause = Pick<PodObservation, 'cause' | 'disrupted' | 'refused' | 'fault'>;

/** Whether the machine is to blame for the end; what counts of it is whether the job had been reached before. */
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

/** Only the API server writes the annotations of a pod; the kubelet and the customer do not. */
function imageOwner({ metadata }: V1Pod): ImageOwner {
  return metadata?.annotations?.[annotations.siteImage] === 'true' ? 'site' : 'customer';
}

/**
 * That a machine which has been given a pod has not got as far as the customer's image: what comes before is the broker's
 * own and takes seconds. Without a network, or a word of its kubelet, it is the machine that does not get there; after
 * that there may be a pull, which others on the machine can keep waiting. A pod that nobody has placed says nothing of any.
 */
function whyUnprepared(status: V1PodStatus | undefined): MachineFault | undefined {
  const of = (type: string) => status?.conditions?.find((condition) => condition.type === type)?.status;
  if (of('PodScheduled') !== 'True' || status?.initContainerStatuses?.[0]?.state?.terminated?.exitCode === 0) {
    return undefined;
  }
  return !isGiven(status?.startTime) || of('PodReadyToStartContainers') === 'False' ? 'certain' : 'possible';
}

/**
 * Why a pod ended, where that is not only its container's doing. A reason at the pod itself comes from the kubelet or a
 * controller, never from what ran in it: but for the two that name the customer's own bounds, it is the machine's doing.
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
    // Refused after it had run already, its container has been gone since before the machine came back.
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
 * Whether a pod was evicted for what it wrote itself, beyond the disk that was ordered, and not because its machine ran
 * short. The kubelet tells the two apart in words only.
 */
function isOwnDisk(message: unknown): boolean {
  if (typeof message !== 'string' || message.startsWith('The node ')) return false;
  return /ephemeral[ -](?:local )?storage|emptyDir/i.test(message) && /exceed/i.test(message);
}

function terminatedOf({ containerStatuses }: V1PodStatus): V1ContainerStateTerminated | undefined {
  const status = containerStatuses?.find(({ name }) => name === jobContainer);
  return status?.state?.terminated ?? undefined;
}

/** Of a pod whose own container never ran: why the one before it failed. */
function initMessage(status: V1PodStatus): Printable | undefined {
  const failed = failedInit(status);
  return failed === undefined
    ? undefined
    : sentence(`the SSH server could not be installed: ${failed.message ?? failed.reason ?? 'no more is known'}`);
}

function failedInit({ initContainerStatuses }: V1PodStatus): V1ContainerStateTerminated | undefined {
  return initContainerStatuses?.map(({ state }) => state?.terminated).find((ended) => (ended?.exitCode ?? 0) !== 0);
}

/** What the cluster writes on a pod that it ends for its own reasons, such as a node that is shut down or deleted. */
function disruptionOf({ conditions }: V1PodStatus) {
  return conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True');
}

function stuckBecause(status: V1PodStatus | undefined, owner: ImageOwner): PodObservation['stuck'] {
  const scheduled = status?.conditions?.find(({ type }) => type === 'PodScheduled');
  // With a node in view it only waits for miners that make place there.
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

/** What Kubernetes does not say comes as `null` or not at all. */
function isGiven(value: Date | null | undefined): boolean {
  return value !== undefined && value !== null;
}
