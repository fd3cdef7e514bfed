import { gpuCountsOf, soldGpus } from './gpu-resources.js';
import type { Printable } from './outside.js';
import { podsForJobs, type NodeAllocatable, type ProviderOffer } from './provider.js';

/** What of one kind a provider can be asked for: GPUs and pods in pieces, cpu in cores, memory in MB, storage in GB. */
export interface ResourceTarget {
  kind: 'gpu' | 'cpu' | 'memory' | 'pods' | 'storage';
  /** A `gpuTypeKey`; '' for the other kinds. */
  name: string;
  /** GPUs as the provider calls them; '' for the other kinds. */
  model: string;
  amount: number;
  /** Token units for one GPU and hour; 0 for the other kinds, which have one price per provider. */
  pricePerHour: number;
  /** Of a GPU whose memory somebody said, or the catalogue knows. */
  vramGb?: number;
  cuda?: number;
  /** What the cluster counts these GPUs as, where it counts any. */
  resource?: string;
}

/** GPUs that a job holds. */
export interface HeldGpus {
  /** A `gpuTypeKey`. */
  type: string;
  /** What its pod asked for. */
  resource: string;
  amount: number;
}

/** What is known of a provider beside its offer and its node. */
export interface ProviderGpus {
  held: readonly HeldGpus[];
  /** GPUs of the machine, by its registration. */
  machineGpus: number;
  /** Of one GPU of each type that is offered, whoever set it. */
  prices: ReadonlyMap<string, number>;
}

/** What may be sold of a provider, and what there is to say about it. */
export interface SalePlan {
  targets: ResourceTarget[];
  /** GPUs that could be sold were none of them rented. */
  countedGpus: number;
  /** Why its GPUs are not sold as they were registered; '' where they are. */
  why: Printable | '';
}

/**
 * What may be sold of a provider: what it offers and, at the same time, what the cluster counts on its node. Nothing
 * while no node was seen.
 *
 * The cluster may count fewer GPUs of a resource than are offered (a dead device, a driver that did not load). Those that
 * are rented under another name than is sold now may be devices of any resource, and are taken off each of them: too
 * little on offer for a while is better than a GPU sold that is not there.
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
          // Of a resource of its own it can only be while that one is in use, and its type still of it.
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
      // Nobody offers pods: how many a node takes, only the cluster says.
      plain('pods', Infinity, allocatable && podsForJobs(allocatable)),
      plain('storage', offer.storageGb, allocatable?.storageGb),
    ],
  };
}

/** Resources of which jobs hold more than the node counts: nobody can say whose GPU is the missing one. */
export function missingGpus(
  held: readonly Pick<HeldGpus, 'resource' | 'amount'>[],
  node: NodeAllocatable,
): { missing: string[]; isAll: boolean } {
  // What is shared by now is still there.
  const counts = { ...gpuCountsOf(node), ...node.gpuShares };
  const needed = new Map<string, number>();
  for (const { resource, amount } of held) needed.set(resource, (needed.get(resource) ?? 0) + amount);
  const missing = [...needed].filter(([resource, amount]) => amount > (counts[resource] ?? 0)).map(([name]) => name);
  return { missing: missing.sort(), isAll: missing.length === needed.size };
}
