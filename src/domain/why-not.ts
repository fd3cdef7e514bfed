import { readGpuName } from './gpu-name.js';
import type { JobOrder } from './job.js';
import { sentence, type Printable } from './outside.js';
import { priceOf } from './pricing.js';

/** A condition of a placement, by what keeps an order out where it is not met. */
export type Keeper =
  | 'serving'
  | 'uncordoned'
  | 'gpus'
  | 'cpu'
  | 'memory'
  | 'storage'
  | 'pods'
  | 'offered'
  | 'trusted'
  | 'priced'
  | 'pays'
  | 'type'
  | 'vram'
  | 'cuda'
  | 'architecture'
  | 'provider';

/** Machines that an order does not fit for the same reasons, with the most that one of them has of each figure. */
export interface WhatKeeps {
  failed: readonly Keeper[];
  /** Names of their GPUs, a few. */
  models: readonly string[];
  gpus: number;
  cpuCores: number;
  memoryMb: number;
  storageGb: number;
  vramGb?: number;
  /** As `cudaNumber`. */
  cuda?: number;
  /** The lowest rate of the order there, base units an hour. */
  rate: bigint;
  /** For how long it is offered from now on; absent without an end. */
  offeredS?: number;
  /** Of the last start that failed there: an error code, or words. */
  outReason?: string;
}

/** A condition of an order that nobody meets, and the nearest that somebody does. */
export interface WhyNot {
  /** The field of the order, or what else it is. */
  limit: string;
  asked: number | string | null;
  nearest: number | string | null;
  text: Printable;
}

type Asked = Omit<JobOrder, 'jobId' | 'image'>;

/** A GPU type as people write it: `RTX 4090`, `A100 SXM4 80GB`. */
export function gpuNameOf(gpuType: string): string {
  const { member, form, memoryGb, slice } = readGpuName(gpuType);
  if (member === undefined) return gpuType;
  const words = [member.name, form?.toUpperCase(), memoryGb && `${memoryGb}GB`, slice && `MIG ${slice}`];
  return words.filter((word) => word !== undefined && word !== 0).join(' ');
}

/** `12004` as people write it. */
export const cudaText = (cuda: number): string => `${Math.floor(cuda / 1000)}.${cuda % 1000}`;

/** A size in GB without more digits than it has. */
export const gbOf = (memoryMb: number): number => Number((memoryMb / 1024).toFixed(3));

/** What an order asks for, in the words of its customer. */
export function wordsOf({ gpuCount, gpuType, cpuCores, memoryMb, storageGb }: Asked): string {
  const gpus = gpuCount === 0 ? '' : `${gpuCount} × ${gpuType === undefined ? 'any GPU' : gpuNameOf(gpuType)}, `;
  return `${gpus}${cpuCores} ${cpuCores === 1 ? 'core' : 'cores'}, ${gbOf(memoryMb)} GB of memory, ${storageGb} GB of disk`;
}

const asLong = (seconds: number) => `${Number((seconds / 3600).toFixed(2))} h`;

/** Error codes are for owners and operators, who find them in the documentation. */
const inWords = (reason: string | undefined) => (reason?.includes(' ') === true ? ` (${reason})` : '');

/** One condition, its figures and a sentence. */
const tell: Record<Keeper, (order: Asked, has: WhatKeeps) => Omit<WhyNot, 'text'> & { text: string }> = {
  gpus: ({ gpuCount }, { gpus }) => ({
    ...{ limit: 'gpu_count', asked: gpuCount, nearest: gpus },
    text: gpus === 0 ? 'all such GPUs are rented' : `one provider has at most ${gpus} such GPUs free, not ${gpuCount}`,
  }),
  cpu: ({ cpuCores }, has) => ({
    ...{ limit: 'cpu_cores', asked: cpuCores, nearest: has.cpuCores },
    text: `one machine has at most ${has.cpuCores} cores free, not ${cpuCores}`,
  }),
  memory: ({ memoryMb }, has) => ({
    ...{ limit: 'memory_gb', asked: gbOf(memoryMb), nearest: gbOf(has.memoryMb) },
    text: `one machine has at most ${gbOf(has.memoryMb)} GB of memory free, not ${gbOf(memoryMb)}`,
  }),
  storage: ({ storageGb }, has) => ({
    ...{ limit: 'storage_gb', asked: storageGb, nearest: has.storageGb },
    text: `one machine has at most ${has.storageGb} GB of disk free, not ${storageGb}`,
  }),
  pods: () => ({
    limit: 'pods',
    asked: null,
    nearest: null,
    text: 'who has it runs as many jobs as its machine takes',
  }),
  serving: () => ({ limit: 'provider_status', asked: null, nearest: null, text: 'who has it is offline' }),
  uncordoned: () => ({ limit: 'provider_status', asked: null, nearest: null, text: 'who has it takes no new jobs' }),
  offered: ({ durationSeconds }, { offeredS = 0 }) => ({
    ...{ limit: 'duration_hours', asked: durationSeconds / 3600, nearest: Math.floor(offeredS / 36) / 100 },
    text: `who has it does not offer it for so long, or not yet (${asLong(offeredS)}, not ${asLong(durationSeconds)})`,
  }),
  trusted: (_, { outReason }) => ({
    ...{ limit: 'provider_failures', asked: null, nearest: null },
    text: `who has it failed to start the jobs of others${inWords(outReason)}, and is out for a while`,
  }),
  priced: () => ({ limit: 'price', asked: null, nearest: null, text: 'who has it has set no price for it' }),
  pays: ({ maxRate, maxPricePerHour }, { rate }) => {
    const most = maxRate === undefined ? (maxPricePerHour ?? 0) : priceOf(maxRate);
    return {
      ...{ limit: 'max_price_per_hour', asked: most, nearest: priceOf(rate) },
      text: `the cheapest that fits costs ${priceOf(rate)} an hour, more than ${most}`,
    };
  },
  type: ({ gpuType }, { models }) => ({
    ...{ limit: 'gpu_type', asked: gpuType ?? null, nearest: models[0] ?? null },
    text: `no provider here has ${gpuType === undefined ? 'a GPU' : gpuNameOf(gpuType)}; others have ${models.join(', ') || 'none'}`,
  }),
  vram: ({ minVramGb }, { vramGb }) => ({
    ...{ limit: 'min_vram_gb', asked: minVramGb ?? null, nearest: vramGb ?? null },
    text:
      vramGb === undefined
        ? 'nobody knows the memory of these GPUs'
        : `the largest of these GPUs has ${vramGb} GB, not ${minVramGb}`,
  }),
  cuda: ({ minCuda = 0 }, { cuda }) => ({
    ...{ limit: 'min_cuda', asked: cudaText(minCuda), nearest: cuda === undefined ? null : cudaText(cuda) },
    text:
      cuda === undefined
        ? 'nobody knows the CUDA of these machines'
        : `the newest CUDA of these machines is ${cudaText(cuda)}, not ${cudaText(minCuda)}`,
  }),
  architecture: ({ architecture = 'amd64' }) => ({
    ...{ limit: 'architecture', asked: architecture, nearest: null },
    text: `who has it is not ${architecture}`,
  }),
  provider: ({ providerId }) => ({
    ...{ limit: 'provider_id', asked: providerId ?? null, nearest: null },
    text: providerId === undefined ? 'only those have it that are excluded' : 'only other providers have it',
  }),
};

/**
 * Why no provider takes an order, nearest first: each of the reasons would have to go away alone, or, if every machine
 * has several, all of them.
 */
export function whyNobody(order: Asked, groups: readonly WhatKeeps[]): { reasons: WhyNot[]; isEach: boolean } {
  const least = Math.min(...groups.map(({ failed }) => weightOf(failed)));
  const nearest = groups.filter(({ failed }) => weightOf(failed) === least);
  const isEach = nearest.every(({ failed }) => failed.length === 1);
  const shown = isEach ? nearest : nearest.slice(0, 1);
  const reasons = shown.flatMap((group) => group.failed.map((keeper) => tell[keeper](order, group)));
  return { reasons: reasons.map((reason) => ({ ...reason, text: sentence(reason.text) })), isEach };
}

/** Asking for another GPU type or provider changes an order more than asking for less of it. */
const weightOf = (failed: readonly Keeper[]) =>
  failed.reduce((sum, keeper) => sum + (keeper === 'type' || keeper === 'provider' ? 3 : 1), 0);

/** The same as one sentence; undefined without a reason. */
export function whyNobodyText(order: Asked, groups: readonly WhatKeeps[]): Printable | undefined {
  const { reasons, isEach } = whyNobody(order, groups);
  if (reasons.length === 0) return undefined;
  return sentence([...new Set(reasons.map(({ text }) => text))].join(isEach ? '; or ' : '; and '));
}

/** Why one offer cannot take a job now. */
export function whyNotThis(order: Asked, offer: WhatKeeps): Printable | undefined {
  if (offer.failed.length === 0) return undefined;
  return sentence(offer.failed.map((keeper) => here[keeper]?.(offer) ?? tell[keeper](order, offer).text).join('; '));
}

/** What is said of one machine differently than of all. */
const here: Partial<Record<Keeper, (offer: WhatKeeps) => string>> = {
  gpus: ({ gpus }) => (gpus === 0 ? 'all its GPUs are rented' : `it has ${gpus} free`),
  cpu: ({ cpuCores }) => `it has ${cpuCores} cores free`,
  memory: ({ memoryMb }) => `it has ${gbOf(memoryMb)} GB of memory free`,
  storage: ({ storageGb }) => `it has ${storageGb} GB of disk free`,
  pods: () => 'it runs as many jobs as its machine takes',
  serving: () => 'it is offline',
  uncordoned: () => 'it takes no new jobs',
  offered: () => 'its owner does not offer it for so long, or not yet',
  trusted: ({ outReason }) => `it failed to start the jobs of others${inWords(outReason)}, and is out for a while`,
  priced: () => 'nobody has set a price for it',
};
