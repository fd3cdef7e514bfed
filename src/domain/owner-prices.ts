import { gpuTypeKey } from './gpu.js';
import { isSameGpuName, readGpuName } from './gpu-name.js';
import { storagePriceIfAny } from './machine.js';
import type { ProviderOffer } from './provider.js';

/** Prices of a machine in token units per hour, with the names of the API. */
export interface MachinePriceList {
  /** By `gpuTypeKey`. */
  gpu: Record<string, number>;
  cpu: number;
  memory_gb: number;
  /** Absent in records of versions that did not know it. */
  storage_gb?: number;
}

/** What an owner sets: a price that is left out stays the agent's. */
export interface OwnerPrices {
  gpu?: Record<string, number> | undefined;
  cpu?: number | undefined;
  memory_gb?: number | undefined;
  storage_gb?: number | undefined;
}

/** The prices in an offer. */
export function pricesOf(offer: ProviderOffer): MachinePriceList {
  const { gpus, cpuPricePerHour, memoryPricePerGbHour, storagePricePerGbHour = 0 } = offer;
  return {
    gpu: Object.fromEntries(gpus.map(({ type, pricePerHour }) => [type, pricePerHour])),
    cpu: cpuPricePerHour,
    memory_gb: memoryPricePerGbHour,
    storage_gb: storagePricePerGbHour,
  };
}

/** An offer at the owner's prices, or at the agent's where the owner names none. */
export function pricedOffer(offer: ProviderOffer, agent: MachinePriceList, owner: OwnerPrices = {}): ProviderOffer {
  const { storagePricePerGbHour: _, ...rest } = offer;
  return {
    ...rest,
    gpus: offer.gpus.map((gpu) => ({
      ...gpu,
      pricePerHour: priceOfType(owner.gpu, gpu.type) ?? priceOfType(agent.gpu, gpu.type) ?? 0,
    })),
    cpuPricePerHour: owner.cpu ?? agent.cpu,
    memoryPricePerGbHour: owner.memory_gb ?? agent.memory_gb,
    ...storagePriceIfAny(owner.storage_gb ?? agent.storage_gb),
  };
}

/** Types are strangers' words, and one may be `constructor`. */
function priceOfType(prices: Record<string, number> | undefined, type: string): number | undefined {
  return prices !== undefined && Object.hasOwn(prices, type) ? prices[type] : undefined;
}

/**
 * The prices by type of GPU, where an owner may write each name as he likes.
 *
 * @param types those of his machine.
 * @returns a sentence for a name that fits none of them, or two of them.
 */
export function pricesByType(
  prices: Readonly<Record<string, number>>,
  types: readonly string[],
): Record<string, number> | string {
  const found = new Map<string, number>();
  for (const [name, price] of Object.entries(prices)) {
    const key = gpuTypeKey(name);
    const meant = types.includes(key)
      ? [key]
      : types.filter((type) => isSameGpuName(readGpuName(type), readGpuName(name)));
    const has = types.length === 0 ? 'it has no GPUs' : `it has ${types.join(', ')}`;
    if (meant.length === 0) return `${name} is no GPU of this provider: ${has}`;
    if (meant.length > 1) return `${name} may be ${meant.join(' or ')}: name one of them`;
    if (found.has(meant[0]!)) return `${meant[0]!} is named twice`;
    found.set(meant[0]!, price);
  }
  return Object.fromEntries(found);
}
