import { knownVramGb, meansGpu, readGpuName } from './gpu-name.js';
import { least } from './gpu-needs.js';
import { gpuTypeKey } from './gpu.js';
import { sentence, type Printable } from './outside.js';
import type { GpuOffer, NodeAllocatable } from './provider.js';

/** The resource name under which device plugins count whole GPUs unless configured to distinguish types. */
export const plainGpuResource = 'nvidia.com/gpu';

/** GPU counts by resource name. */
export type GpuCounts = Readonly<Record<string, number>>;

/** One type as sold, with the cluster's resource for it. */
export interface SoldGpu {
  offer: GpuOffer;
  /** Absent if the cluster has no resource for it. */
  resource?: string;
  /** How many of that resource may be sold. */
  counted: number;
}

/** A node's GPUs by resource. */
export function gpuCountsOf({ gpus, gpuResources }: Pick<NodeAllocatable, 'gpus' | 'gpuResources'>): GpuCounts {
  return gpuResources ?? { [plainGpuResource]: gpus };
}

/** A node's resources as one comparable text; undefined for a node whose whole GPUs have the one plain name. */
export function gpuResourcesText({
  gpuResources,
  gpuShares,
}: Pick<NodeAllocatable, 'gpuResources' | 'gpuShares'>): string | undefined {
  if (gpuResources === undefined && gpuShares === undefined) return undefined;
  const entries = Object.entries({ ...gpuResources, ...gpuShares });
  return entries
    .map(([name, count]) => `${name}=${count}`)
    .sort()
    .join(' ');
}

/** Whether two readings of a node agree in its counts and in how it runs jobs. */
export function isSameAllocatable(a: NodeAllocatable, b: NodeAllocatable): boolean {
  const figures = ['gpus', 'cpuCores', 'memoryMb', 'storageGb', 'pods'] as const;
  return (
    figures.every((figure) => a[figure] === b[figure]) &&
    gpuResourcesText(a) === gpuResourcesText(b) &&
    (a.userNamespaces ?? false) === (b.userNamespaces ?? false)
  );
}

/**
 * Decides under which types a machine's GPUs are sold. Kubernetes hands out any GPU of a resource, so types are
 * distinguished only if each has its own resource. Types that share a resource are sold as one, the cheapest, with the
 * least memory and CUDA among them: whatever a customer gets is then no worse than what he pays for.
 *
 * @param machineGpus the number of GPUs by the machine's registration. If the cluster counts twice as many, they are
 *   not whole GPUs.
 * @param prices the price of one GPU of each type, whoever set it.
 * @returns the types, and why they differ from the registered ones, for people ('' if they do not).
 */
export function soldGpus(
  offers: readonly GpuOffer[],
  node: Pick<NodeAllocatable, 'gpus' | 'gpuResources' | 'gpuShares'> | undefined,
  { machineGpus, prices }: { machineGpus: number; prices: ReadonlyMap<string, number> },
): { sold: SoldGpu[]; why: Printable | '' } {
  const own = offers.map((offer) => {
    const vramGb = offer.vramGb ?? knownVramGb(offer.type);
    return vramGb === undefined ? offer : { ...offer, vramGb };
  });
  const counts = node === undefined ? {} : gpuCountsOf(node);
  const shares = Object.keys(node?.gpuShares ?? {});
  const reasons: string[] = [];
  if (shares.length > 0 && own.length > 0) {
    reasons.push(`${listed(shares)}: parts of GPUs that others use too, which are not rented out`);
  }
  // A node that counts no GPUs, such as one that is away, tells nothing: keep the types.
  if (Object.values(counts).every((count) => count === 0)) {
    return { sold: own.map((offer) => ({ offer, counted: 0 })), why: sentence(reasons.join('; ')) };
  }
  const groups = new Map<string | undefined, GpuOffer[]>();
  for (const [offer, resource] of resourcesOf(own, counts)) {
    groups.set(resource, [...(groups.get(resource) ?? []), offer]);
  }
  const sold: SoldGpu[] = [];
  for (const [resource, together] of groups) {
    if (resource === undefined) {
      sold.push(...together.map((offer) => ({ offer, counted: 0 })));
      reasons.push(`the cluster counts no ${listed(together.map(({ model }) => model))}: ${whatItCounts(counts)}`);
      continue;
    }
    const counted = counts[resource] ?? 0;
    const areParts = counted >= 2 * machineGpus;
    const offer = together.length === 1 ? together[0]! : asOneType(together, prices);
    sold.push({ offer, resource, counted: areParts ? 0 : counted });
    if (areParts && counted > 0) {
      const has = machineGpus === 1 ? '1 GPU' : `${machineGpus} GPUs`;
      reasons.push(`the cluster counts ${counted} of ${resource} on a machine with ${has}: these are parts of GPUs`);
    } else if (together.length > 1) {
      const models = listed(together.map(({ model }) => model));
      reasons.push(`${models} are rented out as ${offer.model}, because the cluster counts all of them as ${resource}`);
    }
  }
  return { sold, why: sentence(reasons.join('; ')) };
}

/** The resource of each type; undefined if no counted resource can be it. */
function resourcesOf(offers: readonly GpuOffer[], counts: GpuCounts): [GpuOffer, string | undefined][] {
  const named = Object.keys(counts).filter((name) => name !== plainGpuResource);
  const plain = counts[plainGpuResource] ?? 0;
  const candidates = offers.map((offer) => ({
    offer,
    own: named.filter((name) => isNamedAfter(name, offer)).sort(nearest),
  }));
  const unnamed = candidates
    .filter(({ own }) => !own.some((name) => counts[name]! > 0))
    .reduce((sum, { offer }) => sum + offer.count, 0);
  const hasParts = named.some((name) => counts[name]! > 0 && readGpuName(name).slice !== undefined);
  return candidates.map(({ offer, own: [first, ...more] }) => {
    const counted = [first, ...more].find((name) => name !== undefined && counts[name]! > 0);
    if (counted !== undefined) return [offer, counted];
    // A node keeps old resource names for ever, with a count of 0. If the plain name does not have all the GPUs, such a
    // name is still in use and has lost its GPUs; if it does, the device plugin no longer distinguishes the types.
    if (first !== undefined && plain < unnamed) return [offer, first];
    const isPart = readGpuName(offer.type).slice !== undefined;
    return [offer, plain === 0 || (isPart && hasParts) ? undefined : plainGpuResource];
  });
}

/** Whether a resource is named after this type or its family. */
function isNamedAfter(resource: string, { type, vramGb }: GpuOffer): boolean {
  const [asked, has] = [readGpuName(resource), readGpuName(type)];
  if (!meansGpu(asked, has)) return false;
  return asked.memoryGb === undefined || asked.memoryGb === (has.memoryGb ?? vramGb);
}

/** Sorts the most specific name first. */
function nearest(a: string, b: string): number {
  const said = (resource: string) => {
    const { form, memoryGb } = readGpuName(resource);
    return Number(form !== undefined) + Number(memoryGb !== undefined);
  };
  return said(b) - said(a) || (a < b ? -1 : 1);
}

function asOneType(offers: readonly GpuOffer[], prices: ReadonlyMap<string, number>): GpuOffer {
  const whole = ({ type }: GpuOffer) => Number(readGpuName(type).slice === undefined);
  const price = ({ type, pricePerHour }: GpuOffer) => prices.get(type) ?? pricePerHour;
  const known = (figure: number | undefined) => figure ?? 0;
  const [cheapest] = [...offers].sort(
    (a, b) =>
      whole(a) - whole(b) ||
      price(a) - price(b) ||
      known(a.vramGb) - known(b.vramGb) ||
      known(a.cuda) - known(b.cuda) ||
      (a.type < b.type ? -1 : 1),
  ) as [GpuOffer];
  const vramGb = least(offers.map((offer) => offer.vramGb));
  const cuda = least(offers.map((offer) => offer.cuda));
  return {
    ...nameWithin(cheapest, vramGb),
    count: offers.reduce((sum, { count }) => sum + count, 0),
    pricePerHour: cheapest.pricePerHour,
    ...(vramGb === undefined ? {} : { vramGb }),
    ...(cuda === undefined ? {} : { cuda }),
  };
}

/** A type's name, without its memory if that is more than is promised. */
function nameWithin({ type, model }: GpuOffer, vramGb: number | undefined): Pick<GpuOffer, 'type' | 'model'> {
  const { memoryGb, slice } = readGpuName(type);
  if (memoryGb === undefined || slice !== undefined || (vramGb !== undefined && memoryGb <= vramGb))
    return { type, model };
  const without = (name: string) => name.replace(/[\s_-]*\b\d{1,3} ?g(?:i?b)?\b/i, '');
  return { type: gpuTypeKey(without(type)), model: without(model) };
}

function whatItCounts(counts: GpuCounts): string {
  const live = Object.keys(counts).filter((name) => counts[name]! > 0);
  return `what it counts is ${listed(live)}`;
}

/** Joins a few names for a sentence. */
function listed(names: readonly string[]): string {
  const [shown, more] = [names.slice(0, 5), names.length - 5];
  const all = more > 0 ? [...shown, `${more} more`] : shown;
  return all.length < 2 ? (all[0] ?? 'nothing') : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`;
}
