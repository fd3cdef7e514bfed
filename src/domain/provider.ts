/** Where a provider is in its life; the names are those the public agents know. */
export const providerStatuses = [
  'pending',
  'approved',
  'joined',
  'available',
  'busy',
  'offline',
  'rejected',
] as const;

export type ProviderStatus = (typeof providerStatuses)[number];

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
}

/** What the cluster says a node has for pods (`status.allocatable`). */
export interface NodeAllocatable {
  gpus: number;
  cpuCores: number;
  memoryMb: number;
  storageGb: number;
}

/** The workflow of a provider. */
export function providerWorkflowId(providerId: string): string {
  return `provider:${providerId}`;
}

/**
 * The node name the broker gives a provider. It is the provider's id: one provider, one node, and the name in a
 * certificate request says whose it is.
 */
export function providerNodeName(providerId: string): string {
  return providerId;
}
