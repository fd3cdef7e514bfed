import type { V1Node, V1Pod } from '@kubernetes/client-node';
import { wholeNumber } from '../domain/outside.js';
import { machineLimits, type NodeAllocatable } from '../domain/provider.js';
import type { NodeObservation, PodObservation } from '../../workflows/messages.js';
import { gpuResource } from './names.js';
import { parseQuantity } from './quantity.js';

/** Reasons a kubelet gives for a container that waits because its image is not to be had. */
const imageTrouble = new Set([
  'ErrImagePull',
  'ImagePullBackOff',
  'InvalidImageName',
  'ErrImageNeverPull',
  'CreateContainerConfigError',
]);

/** What a job's workflow needs to know of its pod. A pod is `running` when it is Ready: SSH answers. */
export function observePod(pod: V1Pod): PodObservation {
  const identity = { uid: pod.metadata?.uid ?? '', resourceVersion: pod.metadata?.resourceVersion ?? '' };
  const phase = pod.status?.phase;
  const disrupted = disruptedBecause(pod);
  if (phase === 'Succeeded' || phase === 'Failed') {
    // Init containers of a pod that ran are terminated too, with 0.
    const terminated = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])]
      .map((status) => status.state?.terminated)
      .find((state) => state !== undefined);
    const message = terminated?.message ?? terminated?.reason ?? pod.status?.message ?? pod.status?.reason;
    const endedAt = terminated?.finishedAt;
    // Somebody deleted it, and its containers have stopped for that.
    const deleted = pod.metadata?.deletionTimestamp !== undefined;
    return {
      phase: deleted ? 'gone' : phase === 'Succeeded' ? 'succeeded' : 'failed',
      ...identity,
      ...(terminated === undefined ? {} : { exitCode: terminated.exitCode }),
      ...(message === undefined ? {} : { message }),
      ...(endedAt === undefined ? {} : { endedAt: new Date(endedAt).toISOString() }),
      ...(disrupted === undefined ? {} : { disrupted }),
    };
  }
  if (pod.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True')) {
    return { phase: 'running', ...identity };
  }
  const stuck = stuckBecause(pod);
  return { phase: 'pending', ...identity, ...(stuck === undefined ? {} : { stuck }) };
}

/** What the cluster writes on a pod that it ends for its own reasons, such as a node that is shut down or deleted. */
function disruptedBecause(pod: V1Pod): string | undefined {
  const disruption = pod.status?.conditions?.find(
    ({ type, status }) => type === 'DisruptionTarget' && status === 'True',
  );
  return disruption && (disruption.message ?? disruption.reason ?? 'the cluster ended the pod');
}

/** What is left to say of a pod that was deleted. */
export function observeDeletedPod(pod: V1Pod): PodObservation {
  const { uid, resourceVersion, disrupted, endedAt = new Date().toISOString() } = observePod(pod);
  return { phase: 'gone', uid, resourceVersion, endedAt, ...(disrupted === undefined ? {} : { disrupted }) };
}

function stuckBecause(pod: V1Pod): PodObservation['stuck'] {
  const scheduled = pod.status?.conditions?.find((condition) => condition.type === 'PodScheduled');
  // With a node in view it only waits for miners that make place there.
  const placeIsMade = (pod.status?.nominatedNodeName ?? '') !== '';
  if (scheduled?.status === 'False' && scheduled.reason === 'Unschedulable' && !placeIsMade) {
    return { reason: 'unschedulable', message: scheduled.message ?? 'no node fits' };
  }
  const statuses = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
  for (const status of statuses) {
    const waiting = status.state?.waiting;
    if (waiting?.reason !== undefined && imageTrouble.has(waiting.reason)) {
      return {
        reason: 'image_pull_failed',
        message: `${status.image ?? 'image'}: ${waiting.message ?? waiting.reason}`,
      };
    }
  }
  return undefined;
}

export type MinerState = 'running' | 'waiting' | 'failing';

/** How a miner fares; undefined for one that is over or on its way out. */
export function observeMiner(pod: V1Pod): MinerState | undefined {
  const { phase, conditions, containerStatuses } = pod.status ?? {};
  if (pod.metadata?.deletionTimestamp != null || phase === 'Succeeded' || phase === 'Failed') return undefined;
  if (conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')) return 'running';
  const fails = containerStatuses?.some(
    ({ state }) =>
      state?.terminated != null ||
      state?.waiting?.reason === 'CrashLoopBackOff' ||
      imageTrouble.has(state?.waiting?.reason ?? ''),
  );
  return fails === true ? 'failing' : 'waiting';
}

/** What a provider's workflow needs to know of its node. */
export function observeNode(node: V1Node): NodeObservation {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
  return {
    nodeName: node.metadata?.name ?? '',
    uid: node.metadata?.uid ?? '',
    resourceVersion: node.metadata?.resourceVersion ?? '',
    state: ready?.status === 'True' ? 'ready' : 'not_ready',
    gpus: nodeAllocatable(node).gpus,
  };
}

/** Since when a node has not been ready, as the control plane says; undefined for one that is, or that is not there. */
export function awaySince(node: V1Node | undefined): Date | undefined {
  const ready = node?.status?.conditions?.find((condition) => condition.type === 'Ready');
  return ready === undefined || ready.status === 'True' ? undefined : ready.lastTransitionTime;
}

/**
 * A node's `status.allocatable` in whole GPUs, cores, MB and GB, rounded down: never promise a part. Whoever is root on
 * the machine writes what stands there: what cannot be read counts as nothing, and what no machine has as the most that
 * one may have.
 */
export function nodeAllocatable(node: V1Node): NodeAllocatable {
  const allocatable = node.status?.allocatable ?? {};
  const amount = (resource: string, unit: number, max: number) => {
    const quantity = parseQuantity(allocatable[resource]);
    return (quantity === undefined ? undefined : wholeNumber(quantity / unit, { min: 0, max })) ?? 0;
  };
  return {
    gpus: amount(gpuResource, 1, machineLimits.gpus),
    cpuCores: amount('cpu', 1, machineLimits.cpuCores),
    memoryMb: amount('memory', 2 ** 20, machineLimits.memoryMb),
    storageGb: amount('ephemeral-storage', 2 ** 30, machineLimits.diskGb),
  };
}
