import { gpuCountsOf, soldGpus } from './gpu-resources.js';
import type { Printable } from './outside.js';
import { podsForJobs, type NodeAllocatable, type ProviderOffer } from './provider.js';

/** How much of one resource a provider can sell: GPUs and pods in pieces, cpu in cores, memory in MB, storage in GB. */
export interface ResourceTarget {
  kind: 'gpu' | 'cpu' | 'memory' | 'pods' | 'storage';
  /** A `gpuTypeKey`; '' for the other kinds. */
  name: string;
  /** The provider's name for the GPUs; '' for the other kinds. */
  model: string;
  amount: number;
  /** Token units per GPU and hour; 0 for the other kinds, whose price is set per provider. */
  pricePerHour: number;
  /** The GPU's memory, if the agent or the catalogue knows it. */
  vramGb?: number;
  cuda?: number;
  /** The resource under which the cluster counts these GPUs, if it counts any. */
  resource?: string;
}

/** GPUs that a job holds. */
export interface HeldGpus {
  /** A `gpuTypeKey`. */
  type: string;
  /** The resource that its pod requested. */
  resource: string;
  amount: number;
}

/** Facts about a provider's GPUs that neither its offer nor its node contains. */
export interface ProviderGpus {
  held: readonly HeldGpus[];
  /** The number of GPUs in the machine, by its registration. */
  machineGpus: number;
  /** The price of one GPU of each offered type, whoever set it. */
  prices: ReadonlyMap<string, number>;
}

/** What a provider may sell, and the reason for any restriction. */
export interface SalePlan {
  targets: ResourceTarget[];
  /** How many GPUs could be sold if none were rented. */
  countedGpus: number;
  /** Why its GPUs are not sold as registered; '' if they are. */
  why: Printable | '';
}

/**
 * What a provider may sell: the lesser of what it offers and what the cluster counts on its node. Nothing until its
 * node has been seen.
 *
 * The cluster may count fewer GPUs of a resource than are offered (a dead device, a driver that did not load). GPUs
 * rented under a name that is no longer sold may be devices of any resource, so they are subtracted from each of them:
 * offering too few for a while is better than selling a GPU that does not exist.
 */
export function resourceTargets(
  offer: ProviderOffer,
  allocatable: NodeAllocatable | undefined,
  { held, machineGpus, prices }: ProviderGpus,
): SalePlan {
  const offered = offer.gpus.reduce((sum, { count }) => sum + count, 0);
  const { sold, why } = soldGpus(offer.gpus, allocatable, { machineGpus: Math.max(machineGpus, offered), prices });
  const counts = allocatable === undefined ? {} : gpuCountsOf(allocatable);
  const current = new Map(sold.map(({ offer: { type }, resource }) => [type, resource]));
  const heldElsewhere = (type: string, resource: string | undefined) =>
    held
      .filter(
        (other) =>
          other.type !== type &&
          current.get(other.type) !== other.resource &&
          // Held GPUs can only belong to their own resource while the node counts it and their type still uses it.
          (other.resource === resource || current.has(other.type) || !counts[other.resource]),
      )
      .reduce((sum, { amount }) => sum + amount, 0);
  const plain = (kind: ResourceTarget['kind'], offeredAmount: number, counted: number | undefined): ResourceTarget => ({
    kind,
    name: '',
    model: '',
    amount: Math.min(offeredAmount, counted ?? 0),
    pricePerHour: 0,
  });
  return {
    why,
    countedGpus: sold.reduce((sum, { counted }) => sum + counted, 0),
    targets: [
      plain('cpu', offer.cpuCores, allocatable?.cpuCores),
      ...sold.map(({ offer: { type, model, count, pricePerHour, vramGb, cuda }, resource, counted }) => ({
        kind: 'gpu' as const,
        name: type,
        model,
        amount: Math.max(0, Math.min(count, counted - heldElsewhere(type, resource))),
        pricePerHour,
        ...(resource === undefined ? {} : { resource }),
        ...(vramGb === undefined ? {} : { vramGb }),
        ...(cuda === undefined ? {} : { cuda }),
      })),
      plain('memory', offer.memoryMb, allocatable?.memoryMb),
      // Providers do not offer pods; only the cluster knows how many a node takes.
      plain('pods', Infinity, allocatable && podsForJobs(allocatable)),
      plain('storage', offer.storageGb, allocatable?.storageGb),
    ],
  };
}

/** Resources of which jobs hold more than the node counts. It is impossible to tell which job's GPU is missing. */
export function missingGpus(
  held: readonly Pick<HeldGpus, 'resource' | 'amount'>[],
  node: NodeAllocatable,
): { missing: string[]; isAll: boolean } {
  // GPUs that have become shared are not missing.
  const counts = { ...gpuCountsOf(node), ...node.gpuShares };
  const needed = new Map<string, number>();
  for (const { resource, amount } of held) needed.set(resource, (needed.get(resource) ?? 0) + amount);
  const missing = [...needed].filter(([resource, amount]) => amount > (counts[resource] ?? 0)).map(([name]) => name);
  return { missing: missing.sort(), isAll: missing.length === needed.size };
}
