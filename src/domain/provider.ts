import type { ProviderStatus } from '../wire/statuses.js';

/** True for a provider that has joined and is not retired: it has a node, or had one that may come back. */
export function isInService(status: ProviderStatus): boolean {
  return status === 'joined' || status === 'available' || status === 'busy' || status === 'offline';
}

/** What an operator or the owner may command a provider to do. */
export type ProviderAction = 'cordon' | 'uncordon' | 'drain' | 'retire';

/**
 * Ids that are valid in a node name, a label and a workflow id without change. Their 60 characters stay below the 63 of
 * a label value.
 */
export const providerIdPattern = /^[a-z0-9][a-z0-9-]{1,58}[a-z0-9]$/;

/** True for text in the form of a provider's id. Anything else is the id of no provider. */
export function isProviderId(text: string): boolean {
  return providerIdPattern.test(text);
}

/** What a provider offers, in one form for old and new agents. GPU types are `gpuTypeKey`s. */
export interface ProviderOffer {
  gpus: GpuOffer[];
  cpuCores: number;
  memoryMb: number;
  storageGb: number;
  cpuPricePerHour: number;
  memoryPricePerGbHour: number;
  /** Absent if it has no price of its own, and in records of older versions. */
  storagePricePerGbHour?: number;
}

export interface GpuOffer {
  type: string;
  /** The provider's name for it. */
  model: string;
  count: number;
  pricePerHour: number;
  /** Memory in GB, as sold; absent if unknown, and in records of older versions. */
  vramGb?: number;
  /** The newest CUDA version that its driver supports, as `cudaNumber`; absent if the agent did not send it. */
  cuda?: number;
}

/** Limits that no machine reaches: a higher number is a mistake, or an attack on the arithmetic. */
export const machineLimits = {
  gpus: 1_024,
  cpuCores: 16_384,
  memoryMb: 1_073_741_824,
  diskGb: 100_000_000,
  pods: 10_000,
} as const;

/** What a node has for pods, according to the cluster (`status.allocatable`). */
export interface NodeAllocatable {
  /** GPUs under any resource name. */
  gpus: number;
  /** GPUs by resource, if there are names other than `nvidia.com/gpu`; 0 for a name that is no longer counted. */
  gpuResources?: Record<string, number>;
  /** Shared GPUs (time-slicing, MPS), by resource; not included in `gpus`. */
  gpuShares?: Record<string, number>;
  cpuCores: number;
  memoryMb: number;
  storageGb: number;
  /** The number of pods it can run; absent in records of versions up to 0.1.0. */
  pods?: number;
  /** How many of its pods are neither jobs nor miners; jobs preempt miners. */
  systemPods?: number;
  /** True if it runs each job in its own user namespace; otherwise absent. */
  userNamespaces?: boolean;
}

/** The kubelet's default limit of pods. */
const usualPods = 110;

/**
 * How many jobs a node has pods for. A tenth of its pods, at most ten, is reserved for system pods that are still to
 * come: a node that has just joined gets its device plugin and similar pods a moment later.
 */
export function podsForJobs({
  cpuCores,
  pods = cpuCores > 0 ? usualPods : 0,
  systemPods = 0,
}: NodeAllocatable): number {
  return Math.max(0, pods - Math.max(systemPods, Math.min(10, Math.ceil(pods / 10))));
}

/** The id of a provider's workflow. */
export function providerWorkflowId(providerId: string): string {
  return `provider:${providerId}`;
}

/** The facts that decide whether a joined provider serves customers. */
export interface ProviderFacts {
  nodeReady: boolean;
  heartbeatAlive: boolean;
  /** True if the cluster counts at least one of its offered GPUs, or it offers none. */
  gpusReady: boolean;
}

/** A provider serves only while both its node and its heartbeats say that it is alive. */
export function statusOfJoined({ nodeReady, heartbeatAlive, gpusReady }: ProviderFacts): ProviderStatus {
  if (!nodeReady || !heartbeatAlive) return 'offline';
  return gpusReady ? 'available' : 'joined';
}

/**
 * Why a joined provider does not serve customers, for operators; '' when it does.
 *
 * @param whyGpus why its GPUs are not sold as registered, if known.
 */
export function whyNotServing({ nodeReady, heartbeatAlive, gpusReady }: ProviderFacts, whyGpus = ''): string {
  if (!nodeReady) return 'its node is not ready';
  if (!heartbeatAlive) return 'no heartbeat';
  if (gpusReady) return '';
  return whyGpus || 'the cluster counts none of its GPUs yet: is the device plugin running on the node?';
}
