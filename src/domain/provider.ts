/**
 * Where a provider is in its life. The names are those the public agents know, and `retired`, which none of them hears
 * of itself: it is no part of the fleet until it registers again.
 */
export const providerStatuses = [
  'pending',
  'approved',
  'joined',
  'available',
  'busy',
  'offline',
  'rejected',
  'retired',
] as const;

export type ProviderStatus = (typeof providerStatuses)[number];

/** True for a provider that has joined and was not retired: it has a node, or had one that may come back. */
export function isInService(status: ProviderStatus): boolean {
  return status === 'joined' || status === 'available' || status === 'busy' || status === 'offline';
}

/**
 * Ids that may stand in a node name, a label and a workflow id as they are. 60 characters leave room below the 63 of
 * a label value.
 */
export const providerIdPattern = /^[a-z0-9][a-z0-9-]{1,58}[a-z0-9]$/;

/** What a provider offers, in one shape for old and new senders. GPU types are `gpuTypeKey`s. */
export interface ProviderOffer {
  gpus: GpuOffer[];
  cpuCores: number;
  memoryMb: number;
  storageGb: number;
  cpuPricePerHour: number;
  memoryPricePerGbHour: number;
}

export interface GpuOffer {
  type: string;
  /** As the provider calls it. */
  model: string;
  count: number;
  pricePerHour: number;
  /** As it is sold; absent where nobody said, and in what older versions wrote. */
  vramGb?: number;
  /** The newest CUDA that its driver supports, as `cudaNumber`; absent where the agent did not say. */
  cuda?: number;
}

/** More than any machine has: a number above is a mistake, or an attack on whoever computes with it. */
export const machineLimits = {
  gpus: 1_024,
  cpuCores: 16_384,
  memoryMb: 1_073_741_824,
  diskGb: 100_000_000,
  pods: 10_000,
} as const;

/** What the cluster says a node has for pods (`status.allocatable`). */
export interface NodeAllocatable {
  /** Of whatever name. */
  gpus: number;
  /** By resource, where there is another name than `nvidia.com/gpu`; with 0 for a name that is not counted any more. */
  gpuResources?: Record<string, number>;
  /** Parts of GPUs that several may get at once (time-slicing, MPS), by resource: they are not among `gpus`. */
  gpuShares?: Record<string, number>;
  cpuCores: number;
  memoryMb: number;
  storageGb: number;
  /** How many pods it takes; absent in what versions up to 0.1.0 wrote. */
  pods?: number;
  /** How many of them are neither jobs nor miners, which give way to jobs. */
  systemPods?: number;
  /** It runs jobs in user namespaces of their own; absent where it does not. */
  userNamespaces?: boolean;
}

/** What a kubelet takes unless it is told otherwise. */
const usualPods = 110;

/**
 * How many jobs a node has pods for. A tenth, ten at most, is left to what the system runs there although it does not
 * yet: a node that has just joined gets the pods of its device plugin and its like a moment later.
 */
export function podsForJobs({
  cpuCores,
  pods = cpuCores > 0 ? usualPods : 0,
  systemPods = 0,
}: NodeAllocatable): number {
  return Math.max(0, pods - Math.max(systemPods, Math.min(10, Math.ceil(pods / 10))));
}

/** The workflow of a provider. */
export function providerWorkflowId(providerId: string): string {
  return `provider:${providerId}`;
}

/** What decides whether a provider that has joined serves customers. */
export interface ProviderFacts {
  nodeReady: boolean;
  heartbeatAlive: boolean;
  /** The cluster counts at least one of the GPUs it offers, or it offers none. */
  gpusReady: boolean;
}

/** Node and heartbeat are two witnesses: a provider serves only while both speak for it. */
export function statusOfJoined({ nodeReady, heartbeatAlive, gpusReady }: ProviderFacts): ProviderStatus {
  if (!nodeReady || !heartbeatAlive) return 'offline';
  return gpusReady ? 'available' : 'joined';
}

/**
 * Why a provider that has joined does not serve customers, for operators; empty when it does.
 *
 * @param whyGpus why its GPUs are not sold as they were registered, where that is known.
 */
export function whyNotServing({ nodeReady, heartbeatAlive, gpusReady }: ProviderFacts, whyGpus = ''): string {
  if (!nodeReady) return 'its node is not ready';
  if (!heartbeatAlive) return 'no heartbeat';
  if (gpusReady) return '';
  return whyGpus || 'the cluster counts none of its GPUs yet: is the device plugin running on the node?';
}
