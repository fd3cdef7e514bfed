import type { V1Node, V1Pod } from '@kubernetes/client-node';
import { instant, wholeNumber } from '../domain/outside.js';
import { machineLimits, type NodeAllocatable } from '../domain/provider.js';
import type { NodeObservation } from '../../workflows/messages.js';
import { gpuResource } from './names.js';
import { imageTrouble } from './observe-pod.js';
import { parseQuantity } from './quantity.js';

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

/**
 * Since when a node has not been ready, as the control plane says, or the kubelet, whose clock is its provider's: it is
 * not believed about a time in which we saw the node ready.
 *
 * @param seenReady when that was, the last time.
 * @returns undefined for one that is ready, or that is not there, or that does not say.
 */
export function awaySince(node: V1Node | undefined, seenReady?: Date): Date | undefined {
  const ready = node?.status?.conditions?.find((condition) => condition.type === 'Ready');
  const said = ready === undefined || ready.status === 'True' ? undefined : instant(ready.lastTransitionTime);
  if (said === undefined) return undefined;
  return new Date(Math.max(Date.parse(said), seenReady?.getTime() ?? 0));
}

/**
 * A node's `status.allocatable` in whole GPUs, cores, MB, GB and pods, rounded down: never promise a part. Whoever is root on
 * the machine writes what stands there: what cannot be read counts as nothing, and what no machine has as the most that
 * one may have.
 */
export function nodeAllocatable(node: V1Node): Required<Omit<NodeAllocatable, 'systemPods'>> {
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
    pods: amount('pods', 1, machineLimits.pods),
  };
}
