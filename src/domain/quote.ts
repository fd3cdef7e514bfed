import { saysTheSame } from './gpu-name.js';
import type { JobRequest } from './job-request.js';
import { rateOf } from './pricing.js';

/** The rate that a quote promises at one provider, for GPUs of one type. */
export interface QuotedRate {
  providerId: string;
  /** A `gpuTypeKey`; '' for an order without GPUs. */
  gpuType: string;
  /** Base units an hour for the whole order. */
  rate: bigint;
}

/** The fields of an order that decide what it costs and who can take it. */
export type QuotedNeed = Pick<
  JobRequest,
  | 'providerId'
  | 'excludeProviders'
  | 'gpuType'
  | 'minVramGb'
  | 'minCuda'
  | 'architecture'
  | 'gpuCount'
  | 'cpuCores'
  | 'memoryMb'
  | 'storageGb'
  | 'durationSeconds'
> & {
  /** How many ports it opens besides SSH. */
  portCount?: number;
};

/** What a quote promises: the order of this wallet, placed until then, costs no more than this. */
export interface Quote {
  /** Lower case. */
  wallet: string;
  expiresAtMs: number;
  need: QuotedNeed;
  /** What the order costs an hour at most, wherever it is placed. */
  bound: bigint;
  /** The rates to reserve for, to be tried in turn. */
  reserves: bigint[];
  /** In the order in which a placement would try them. */
  rates: QuotedRate[];
  /** What the ports cost, a part of each rate: base units an hour. */
  portsRate?: string;
}

export const lesser = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** The fields of an order that a quote is for. */
export function quotedNeedOf(request: JobRequest): QuotedNeed {
  const { gpuCount, cpuCores, memoryMb, storageGb, durationSeconds } = request;
  const { providerId, excludeProviders, gpuType, minVramGb, minCuda, architecture } = request;
  return {
    ...{ gpuCount, cpuCores, memoryMb, storageGb, durationSeconds },
    ...(providerId === undefined ? {} : { providerId }),
    ...(excludeProviders === undefined ? {} : { excludeProviders: [...excludeProviders].sort() }),
    ...(gpuType === undefined ? {} : { gpuType }),
    ...(minVramGb === undefined ? {} : { minVramGb }),
    ...(minCuda === undefined ? {} : { minCuda }),
    ...(architecture === undefined ? {} : { architecture }),
    ...(request.ports === undefined ? {} : { portCount: request.ports.length }),
  };
}

/** The names of these fields in a request. */
const fieldNames: Record<keyof QuotedNeed, string> = {
  gpuType: 'gpu_type',
  gpuCount: 'gpu_count',
  cpuCores: 'cpu_cores',
  memoryMb: 'memory_gb',
  storageGb: 'storage_gb',
  durationSeconds: 'duration_hours',
  minVramGb: 'min_vram_gb',
  minCuda: 'min_cuda',
  architecture: 'architecture',
  providerId: 'provider_id',
  excludeProviders: 'exclude_providers',
  portCount: 'ports',
};

/**
 * The fields in which an order is not what was quoted. An order may name one of the quoted providers although the quote
 * was for any.
 */
export function differencesFrom({ need, rates }: Pick<Quote, 'need' | 'rates'>, request: JobRequest): string[] {
  const asked = quotedNeedOf(request);
  const chose = asked.providerId;
  const isChoice = need.providerId === undefined && rates.some(({ providerId }) => providerId === chose);
  return (Object.keys(fieldNames) as (keyof QuotedNeed)[])
    .filter((name) => !(name === 'providerId' && isChoice) && !isSame(name, need[name], asked[name]))
    .map((name) => fieldNames[name]);
}

function isSame(name: keyof QuotedNeed, quoted: unknown, asked: unknown): boolean {
  if (name === 'gpuType' && typeof quoted === 'string' && typeof asked === 'string') return saysTheSame(quoted, asked);
  return JSON.stringify(quoted) === JSON.stringify(asked);
}

/** What an order may cost by a quote, what to reserve for it, and the promised rates that are within that. */
export function termsOf(
  { need, bound, reserves, rates }: Quote,
  { providerId, maxPricePerHour }: Pick<JobRequest, 'providerId' | 'maxPricePerHour'>,
): Pick<Quote, 'bound' | 'reserves' | 'rates'> {
  const chosen = providerId === need.providerId ? undefined : rates.filter((rate) => rate.providerId === providerId);
  // Whoever chooses a dearer one of the quoted providers pays what was quoted there.
  const most = chosen === undefined ? bound : dearest(chosen);
  const highest = maxPricePerHour === undefined ? most : lesser(most, rateOf(maxPricePerHour));
  const within = (chosen === undefined ? reserves : [most]).map((rate) => lesser(rate, highest));
  return {
    bound: highest,
    reserves: [...new Set(within)],
    rates: (chosen ?? rates).filter(({ rate }) => rate <= highest),
  };
}

export function dearest(rates: readonly { rate: bigint }[]): bigint {
  return rates.reduce((most, { rate }) => (rate > most ? rate : most), 0n);
}

/** Rates as they stand in a job's row and in a quote. */
export function writtenRates(rates: readonly QuotedRate[]): [string, string, string][] {
  return rates.map(({ providerId, gpuType, rate }) => [providerId, gpuType, rate.toString()]);
}

export function readRates(rates: readonly (readonly [string, string, string])[]): QuotedRate[] {
  return rates.map(([providerId, gpuType, rate]) => ({ providerId, gpuType, rate: BigInt(rate) }));
}
