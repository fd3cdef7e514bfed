import type { V1Node, V1Pod } from '@kubernetes/client-node';
import { instant, wholeNumber } from '../domain/outside.js';
import { gpuResourcesText, plainGpuResource } from '../domain/gpu-resources.js';
import { machineLimits, type NodeAllocatable } from '../domain/provider.js';
import { imageTrouble } from './observe-pod.js';
import { parseQuantity } from './quantity.js';
import { hasUserNamespaces } from './user-namespaces.js';

/** What can be seen of a provider's node. */
export interface NodeObservation {
  nodeName: string;
  uid: string;
  state: 'ready' | 'not_ready' | 'gone';
  /** In the node's allocatable, of whatever name. */
  gpus: number;
  /** By name, where there is another than `nvidia.com/gpu`: a text that differs when they do. */
  gpuResources?: string;
}

export type MinerState = 'running' | 'waiting' | 'failing';

/** A miner's state; undefined for one that has ended or is terminating. */
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

/** The facts about a provider's node that its workflow needs. */
export function observeNode(node: V1Node): NodeObservation {
  const ready = node.status?.conditions?.find((condition) => condition.type === 'Ready');
  const allocatable = nodeAllocatable(node);
  const gpuResources = gpuResourcesText(allocatable);
  return {
    nodeName: node.metadata?.name ?? '',
    uid: node.metadata?.uid ?? '',
    state: ready?.status === 'True' ? 'ready' : 'not_ready',
    gpus: allocatable.gpus,
    ...(gpuResources === undefined ? {} : { gpuResources }),
  };
}

/** The observation of a node that does not exist. */
export function goneNode(nodeName: string, uid: string): NodeObservation {
  return { nodeName, uid, state: 'gone', gpus: 0 };
}

/**
 * Whether the control plane has not heard from a node's kubelet for a while. By the time it reports that, the last
 * contact is almost a minute ago, because of its grace period.
 */
export function isUnheard(node: V1Node | undefined): boolean {
  return node?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'Unknown') ?? false;
}

/**
 * Since when a node has not been ready, according to the control plane or to the kubelet. The kubelet's clock belongs
 * to the provider, so it is not trusted about a time at which the broker saw the node ready.
 *
 * @param seenReady when the node was last seen ready.
 * @returns undefined for a node that is ready, missing, or does not report it.
 */
export function awaySince(node: V1Node | undefined, seenReady?: Date): Date | undefined {
  const ready = node?.status?.conditions?.find((condition) => condition.type === 'Ready');
  const said = ready === undefined || ready.status === 'True' ? undefined : instant(ready.lastTransitionTime);
  if (said === undefined) return undefined;
  return new Date(Math.max(Date.parse(said), seenReady?.getTime() ?? 0));
}

/**
 * A node's `status.allocatable` in whole GPUs, cores, MB, GB and pods, rounded down so that no part is promised. Root
 * on the machine controls these values: unreadable ones count as nothing, and implausible ones as the most that a
 * machine may have.
 *
 * @param runtimeClass the RuntimeClass of jobs, if they have one.
 */
export function nodeAllocatable(
  node: V1Node,
  runtimeClass?: string,
): Omit<NodeAllocatable, 'systemPods'> & { pods: number } {
  const allocatable = node.status?.allocatable ?? {};
  const amount = (resource: string, unit: number, max: number) => {
    const quantity = parseQuantity(allocatable[resource]);
    return (quantity === undefined ? undefined : wholeNumber(quantity / unit, { min: 0, max })) ?? 0;
  };
  const names = [...new Set([allocatable, node.status?.capacity ?? {}].flatMap((figures) => Object.keys(figures)))]
    .filter((name) => gpuName.test(name))
    .sort()
    .slice(0, maxGpuNames);
  const count = (wanted: (name: string) => boolean) =>
    Object.fromEntries(names.filter(wanted).map((name) => [name, amount(name, 1, machineLimits.gpus)]));
  const [whole, shares] = [count((name) => !isShared(node, name)), count((name) => isShared(node, name))];
  const gpus = Object.values(whole).reduce((sum, each) => sum + each, 0);
  return {
    gpus: Math.min(gpus, machineLimits.gpus),
    ...(Object.keys(whole).every((name) => name === plainGpuResource) ? {} : { gpuResources: whole }),
    ...(Object.values(shares).some((each) => each > 0) ? { gpuShares: shares } : {}),
    cpuCores: amount('cpu', 1, machineLimits.cpuCores),
    memoryMb: amount('memory', 2 ** 20, machineLimits.memoryMb),
    storageGb: amount('ephemeral-storage', 2 ** 30, machineLimits.diskGb),
    pods: amount('pods', 1, machineLimits.pods),
    ...(hasUserNamespaces(node, runtimeClass) ? { userNamespaces: true } : {}),
  };
}

/** No device plugin reports more; each one is a row and a word in a sentence. */
const maxGpuNames = 32;
/** Resources of GPU vendors that count something other than GPUs: memory, cores, network cards. */
const gpuName =
  /^nvidia\.com\/(?!gpumem|gpucores|priority$|hostdev|mlnx|rdma|sriov)[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/;

/**
 * Whether several pods get the same GPU or the same memory of it: resources that the device plugin or its feature
 * discovery marks as shared, and compute instances that divide a partition.
 */
function isShared(node: V1Node, name: string): boolean {
  const says = (what: string) => node.metadata?.labels?.[`${name}.${what}`] ?? '';
  return (
    /\.shared$|\/mig-\d+c\./.test(name) ||
    /^(?:time-slicing|mps)$/.test(says('sharing-strategy')) ||
    Number(says('replicas')) > 1 ||
    says('product').endsWith('-SHARED')
  );
}
