import { cudaNumber, least } from './gpu-needs.js';
import { knownVramGb, memoriesOf, readGpuName, vramGbOf } from './gpu-name.js';
import { gpuTypeKey } from './gpu.js';
import type { GpuOffer } from './provider.js';
import type { ProviderCapacity, SystemSpec } from './machine.js';

/** A machine's GPUs with the same name and memory. */
interface GpuGroup {
  model: string;
  count: number;
  vramGb?: number;
  cuda?: number;
}

/** Groups a registration's GPUs by type: the name, plus the memory if the name is sold with several. */
export function gpuOffers(spec: SystemSpec, capacity: ProviderCapacity): GpuOffer[] {
  const groups = groupsOf(spec, capacity);
  const offers = new Map<string, GpuOffer>();
  for (const group of groups) {
    const { type, model } = typeOf(group, groups);
    const offer = { ...group, type, model, pricePerHour: priceOf(type, group.model, capacity) };
    const known = offers.get(type);
    offers.set(type, known === undefined ? offer : together(known, offer));
  }
  return [...offers.values()].sort((a, b) => (a.type < b.type ? -1 : 1));
}

/** Merges GPUs of one type that differ: customers are promised the lesser figures at the higher price. */
function together(known: GpuOffer, { count, pricePerHour, vramGb, cuda }: GpuOffer): GpuOffer {
  const vram = least([known.vramGb, vramGb]);
  const runs = least([known.cuda, cuda]);
  const { type, model } = known;
  return {
    ...{ type, model, count: known.count + count, pricePerHour: Math.max(known.pricePerHour, pricePerHour) },
    ...(vram === undefined ? {} : { vramGb: vram }),
    ...(runs === undefined ? {} : { cuda: runs }),
  };
}

function typeOf({ model, vramGb }: GpuGroup, groups: readonly GpuGroup[]): { type: string; model: string } {
  const key = gpuTypeKey(model) || 'gpu';
  const name = readGpuName(key);
  if (vramGb === undefined || name.memoryGb !== undefined || name.slice !== undefined) return { type: key, model };
  const withMemory = `${key}-${vramGb}gb`;
  const isOneOfTwo = groups.some((other) => other.vramGb !== vramGb && (gpuTypeKey(other.model) || 'gpu') === key);
  // Otherwise both types would be shown under the same name.
  if (isOneOfTwo) return { type: withMemory, model: `${model} ${vramGb}GB` };
  const made = memoriesOf(name);
  return { type: made.length > 1 && made.includes(vramGb) ? withMemory : key, model };
}

/** Newer agents count their GPUs by name; `spec.gpus` has their memory and CUDA versions. */
function groupsOf(spec: SystemSpec, capacity: ProviderCapacity): GpuGroup[] {
  const counted = Object.entries(capacity.totalGpus).filter(([, count]) => count > 0);
  if (counted.length > 0) return counted.flatMap(([model, count]) => groupsOfName(model, count, spec));
  if (spec.gpus.length === 0) {
    const count = capacity.gpuCount || spec.totalGpus;
    return count > 0 ? [{ model: 'GPU', count }] : [];
  }
  return grouped(
    spec.gpus.slice(0, capacity.gpuCount || spec.gpus.length).map((gpu) => ({ ...gpu, name: gpu.name || 'GPU' })),
  );
}

function groupsOfName(model: string, count: number, spec: SystemSpec): GpuGroup[] {
  const key = gpuTypeKey(model);
  const [asked, its] = [readGpuName(key), (name: string) => gpuTypeKey(name) === key];
  const same = spec.gpus.filter(({ name }) => its(name));
  if (same.length > 0) {
    const groups = grouped(same.slice(0, count).map((gpu) => ({ ...gpu, name: model })));
    const missing = count - Math.min(count, same.length);
    // The agent counts more GPUs than it lists. Promise for the rest no more than the least of the listed ones.
    const least = groups.reduce((a, b) => ((a.vramGb ?? 0) <= (b.vramGb ?? 0) ? a : b));
    return groups.map((group) => (group === least ? { ...group, count: group.count + missing } : group));
  }
  // The agent counts `A100 40GB` and lists the driver's name for it. This applies to cards, not to MIG partitions.
  const alike =
    asked.slice === undefined ? spec.gpus.filter(({ name }) => readGpuName(name).model === asked.model) : [];
  const [first] = grouped(alike.map((gpu) => ({ ...gpu, name: model })));
  const vramGb = knownVramGb(key) ?? first?.vramGb;
  return [
    {
      ...{ model, count },
      ...(vramGb === undefined ? {} : { vramGb }),
      ...(first?.cuda === undefined ? {} : { cuda: first.cuda }),
    },
  ];
}

function grouped(gpus: readonly Pick<SystemSpec['gpus'][number], 'name' | 'memoryMb' | 'cudaVersion'>[]): GpuGroup[] {
  const groups = new Map<string, GpuGroup>();
  for (const { name, memoryMb, cudaVersion } of gpus) {
    const vramGb = vramGbOf(readGpuName(name), memoryMb) ?? knownVramGb(name);
    const key = JSON.stringify([name, vramGb]);
    const known = groups.get(key);
    const cuda = least([...(known === undefined ? [] : [known.cuda]), cudaNumber(cudaVersion)]);
    groups.set(key, {
      ...{ model: name, count: (known?.count ?? 0) + 1 },
      ...(vramGb === undefined ? {} : { vramGb }),
      ...(cuda === undefined ? {} : { cuda }),
    });
  }
  return [...groups.values()];
}

/**
 * The price of a type: that of its name with memory, else of its exact name, else the highest among other spellings,
 * else the single price that old agents send.
 */
function priceOf(type: string, model: string, capacity: ProviderCapacity): number {
  const prices = capacity.gpuPricesPerHour;
  const spelled = (key: string) => {
    const found = Object.entries(prices).filter(([name]) => gpuTypeKey(name) === key);
    return found.length === 0 ? undefined : Math.max(...found.map(([, price]) => price));
  };
  const key = gpuTypeKey(model) || 'gpu';
  const withMemory = type === key ? undefined : spelled(type);
  const exact = Object.hasOwn(prices, model) ? prices[model] : undefined;
  return withMemory ?? exact ?? spelled(key) ?? capacity.gpuPricePerHour;
}
