import type { JobOrder } from './job.js';
import type { ProviderOffer } from './provider.js';

/**
 * A token has 18 decimals, as on chain. Everything that decides about money counts in its smallest part, the base unit.
 */
const baseUnitDecimals = 18;
const baseUnitsPerToken = 10n ** BigInt(baseUnitDecimals);

/** Token units per hour. No machine costs more; a higher number is a mistake or an attack on the arithmetic. */
export const maxPrice = 1_000_000;
/** The decimals of a price; anything smaller is floating-point noise. */
export const priceDecimals = 12;
/** The number of digits that survive a round trip through floating point. */
const exactDigits = 15;

/**
 * What a job gets with each rented GPU, even if the machine's fair share is smaller; also the default sizes of an
 * order. A job that takes more than both also pays for the GPUs that it makes unrentable.
 */
export const bundlePerGpu = { cpuCores: 4, memoryMb: 16_384, storageGb: 20 };

/**
 * A machine's prices per hour as decimal text: a price is exactly what its owner wrote, not the nearest binary
 * fraction.
 */
export interface MachinePrices {
  /** The price of the job's GPU type; '0' for a job without GPUs. */
  gpuPrice: string;
  cpuPrice: string;
  memoryPricePerGb: string;
  storagePricePerGb: string;
  /** The lowest price of its GPUs of any type; '0' for a machine without GPUs. */
  cheapestGpuPrice: string;
  /**
   * Everything the machine offers, rented or not. The cluster's current count does not matter: a job costs the same on
   * a day when one of the machine's GPUs is broken.
   */
  offered: Pick<ProviderOffer, 'cpuCores' | 'memoryMb' | 'storageGb'> & { gpus: number };
}

/**
 * The price of a whole job in base units per hour, rounded down. The list price adds up its GPUs, cores, memory (a
 * GB is 1024 MB) and disk. A floor applies to jobs that take a larger share of the machine than their
 * GPUs: the share they take of any one resource makes the same share of the GPUs unrentable, and is charged like those,
 * at the price of the cheapest. `rateSql` is the same formula in SQL.
 */
export function jobRate(
  order: Pick<JobOrder, 'gpuCount' | 'cpuCores' | 'memoryMb' | 'storageGb'>,
  { gpuPrice, cpuPrice, memoryPricePerGb, storagePricePerGb, cheapestGpuPrice, offered }: MachinePrices,
): bigint {
  const decimals = [gpuPrice, cpuPrice, memoryPricePerGb, storagePricePerGb, cheapestGpuPrice].map(decimal);
  const scale = Math.max(...decimals.map((price) => price.scale));
  const [gpu, cpu, memory, storage, cheapest] = decimals.map(
    (price) => price.digits * 10n ** BigInt(scale - price.scale),
  ) as [bigint, bigint, bigint, bigint, bigint];
  const one = 10n ** BigInt(scale);
  const gpus = BigInt(order.gpuCount);
  const whole = gpus * gpu + BigInt(order.cpuCores) * cpu + BigInt(order.storageGb) * storage;
  const sum = whole * 1024n + BigInt(order.memoryMb) * memory;
  const list = (sum * baseUnitsPerToken) / (1024n * one);
  // Within its share, a job makes no more GPUs unrentable than it rents, so the floor cannot exceed the list price.
  const floors = (['cpuCores', 'memoryMb', 'storageGb'] as const)
    .filter((kind) => offered[kind] > 0 && order[kind] > bundlePerGpu[kind] * order.gpuCount)
    .map(
      (kind) =>
        (cheapest * BigInt(order[kind]) * BigInt(offered.gpus) * baseUnitsPerToken) / (BigInt(offered[kind]) * one),
    );
  return floors.reduce((highest, floor) => (floor > highest ? floor : highest), list);
}

/**
 * What each GPU brings of its machine: a job that takes no more of anything for each of its GPUs pays the list price.
 *
 * @returns undefined for a machine without GPUs.
 */
export function fairShareOf({
  gpus,
  ...offered
}: MachinePrices['offered']): Pick<ProviderOffer, 'cpuCores' | 'memoryMb' | 'storageGb'> | undefined {
  if (gpus === 0) return undefined;
  const share = (kind: keyof typeof offered) =>
    Math.min(offered[kind], Math.max(Math.floor(offered[kind] / gpus), bundlePerGpu[kind]));
  return { cpuCores: share('cpuCores'), memoryMb: share('memoryMb'), storageGb: share('storageGb') };
}

/** The decimals of `gpuEquivalentsOf`: enough to see why, too few to calculate with. */
const equivalentDecimals = 3;

/**
 * The part of a machine that an order takes, in GPUs of the machine, as decimal text: how many it makes unrentable. It is
 * at least what the order rents, and rounded down.
 */
export function gpuEquivalentsOf(
  order: Pick<JobOrder, 'gpuCount' | 'cpuCores' | 'memoryMb' | 'storageGb'>,
  { gpus, ...offered }: MachinePrices['offered'],
): string {
  const one = 10n ** BigInt(equivalentDecimals);
  const taken = (['cpuCores', 'memoryMb', 'storageGb'] as const)
    .filter((kind) => offered[kind] > 0 && order[kind] > bundlePerGpu[kind] * order.gpuCount)
    .map((kind) => (BigInt(order[kind]) * BigInt(gpus) * one) / BigInt(offered[kind]));
  const most = taken.reduce((a, b) => (a > b ? a : b), BigInt(order.gpuCount) * one);
  const digits = most.toString().padStart(equivalentDecimals + 1, '0');
  return `${digits.slice(0, -equivalentDecimals)}.${digits.slice(-equivalentDecimals)}`.replace(/\.?0+$/, '');
}

/** A price per hour in base units, rounded down. */
export function rateOf(pricePerHour: number | string): bigint {
  const { digits, scale } = decimal(String(pricePerHour));
  return (digits * baseUnitsPerToken) / 10n ** BigInt(scale);
}

/** The number of token units per hour nearest to a rate, for people. */
export function priceOf(rate: bigint | string): number {
  return Number(`${rate}e-${baseUnitDecimals}`);
}

/**
 * Reads a price from outside, a number or decimal text. Numbers are rounded to `priceDecimals`; text is accepted
 * exactly or not at all.
 *
 * @returns undefined if the value is not a price.
 */
export function readPrice(value: number | string): number | undefined {
  if (typeof value === 'number')
    return value >= 0 && value <= maxPrice ? Number(value.toFixed(priceDecimals)) : undefined;
  const parts = /^(\d{1,7})(?:\.(\d{1,12}))?$/.exec(value);
  const digits = parts === null ? '' : `${parts[1]}${parts[2] ?? ''}`.replace(/^0+/, '');
  return parts !== null && digits.length <= exactDigits && Number(value) <= maxPrice ? Number(value) : undefined;
}

/** Parses decimal notation, with or without an exponent, to `digits / 10^scale`. */
function decimal(text: string): { digits: bigint; scale: number } {
  const parts = /^(\d+)(?:\.(\d+))?(?:e([+-]?\d{1,3}))?$/.exec(text);
  if (parts === null) throw new RangeError(`${text} is not an amount`);
  const [, whole = '0', fraction = '', exponent = '0'] = parts;
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}
