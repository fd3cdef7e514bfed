import { knownVramGb } from './gpu-name.js';
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
}

/**
 * What may be sold of a provider: what it offers and, at the same time, what the cluster counts on its node. Nothing
 * while no node was seen.
 *
 * The cluster counts GPUs without their types. When it counts fewer than are offered (a dead device, a driver that did
 * not load), each of them may be of any type, so every type is cut by all that are missing: too little on offer for a
 * while is better than a GPU sold that is not there. The same holds for those that are rented under a type that is not
 * offered any more: they are the same devices under another name.
 *
 * @param rentedOtherwise GPUs that are rented under types that are not in the offer.
 */
export function resourceTargets(
  offer: ProviderOffer,
  allocatable: NodeAllocatable | undefined,
  rentedOtherwise = 0,
): ResourceTarget[] {
  const offered = offer.gpus.reduce((sum, { count }) => sum + count, 0);
  const missing = Math.max(0, offered + rentedOtherwise - (allocatable?.gpus ?? 0));
  const plain = (kind: ResourceTarget['kind'], offeredAmount: number, counted: number | undefined): ResourceTarget => ({
    kind,
    name: '',
    model: '',
    amount: Math.min(offeredAmount, counted ?? 0),
    pricePerHour: 0,
  });
  return [
    plain('cpu', offer.cpuCores, allocatable?.cpuCores),
    ...offer.gpus.map(({ type, model, count, pricePerHour, vramGb = knownVramGb(type), cuda }) => ({
      kind: 'gpu' as const,
      name: type,
      model,
      amount: Math.max(0, count - missing),
      pricePerHour,
      ...(vramGb === undefined ? {} : { vramGb }),
      ...(cuda === undefined ? {} : { cuda }),
    })),
    plain('memory', offer.memoryMb, allocatable?.memoryMb),
    // Nobody offers pods: how many a node takes, only the cluster says.
    plain('pods', Infinity, allocatable && podsForJobs(allocatable)),
    plain('storage', offer.storageGb, allocatable?.storageGb),
  ];
}
