import type { JobOrder } from './job.js';
import type { ProviderOffer } from './provider.js';

/** A token has 18 decimals, as on chain; what decides about money is counted in its smallest part, the base unit. */
const baseUnitDecimals = 18;
const baseUnitsPerToken = 10n ** BigInt(baseUnitDecimals);

/** Token units per hour: more than any machine costs; a number above is a mistake or an attack on the arithmetic. */
export const maxPrice = 1_000_000;
/** Prices have so many decimals; what lies below is noise of floating point. */
export const priceDecimals = 12;
/** So many digits come back from floating point as they went in. */
const exactDigits = 15;

/**
 * What a job gets with each GPU it rents, whatever the machine's fair share is: the sizes of an order that names none.
 * Above both it pays for the GPUs that nobody else can rent then.
 */
export const bundlePerGpu = { cpuCores: 4, memoryMb: 16_384, storageGb: 20 };

/**
 * What a machine asks for, per hour, as decimal text: a price is what its owner wrote, and not the binary fraction
 * nearest to it.
 */
export interface MachinePrices {
  /** Of the GPU type the job gets; '0' for a job without GPUs. */
  gpuPrice: string;
  cpuPrice: string;
  memoryPricePerGb: string;
  /** Of its GPUs of any type; '0' for a machine without. */
  cheapestGpuPrice: string;
  /**
   * All that it offers, rented or not. What the cluster counts at the moment does not enter: a job costs the same on a
   * day when a GPU of the machine is broken.
   */
  offered: Pick<ProviderOffer, 'cpuCores' | 'memoryMb' | 'storageGb'> & { gpus: number };
}

/**
 * What a whole job costs, in base units per hour, rounded down. The list price is that of its GPUs, cores and memory (a
 * GB is 1024 MB; storage has no price). The floor is for jobs that take more of a machine than the share of their GPUs:
 * what they take of any one resource makes as large a part of the GPUs unrentable, and is paid like these, at the price
 * of the cheapest. `rateSql` says the same to Postgres.
 */
export function jobRate(
  order: Pick<JobOrder, 'gpuCount' | 'cpuCores' | 'memoryMb' | 'storageGb'>,
  { gpuPrice, cpuPrice, memoryPricePerGb, cheapestGpuPrice, offered }: MachinePrices,
): bigint {
  const decimals = [gpuPrice, cpuPrice, memoryPricePerGb, cheapestGpuPrice].map(decimal);
  const scale = Math.max(...decimals.map((price) => price.scale));
  const [gpu, cpu, memory, cheapest] = decimals.map((price) => price.digits * 10n ** BigInt(scale - price.scale)) as [
    bigint,
    bigint,
    bigint,
    bigint,
  ];
  const one = 10n ** BigInt(scale);
  const gpus = BigInt(order.gpuCount);
  const sum = (gpus * gpu + BigInt(order.cpuCores) * cpu) * 1024n + BigInt(order.memoryMb) * memory;
  const list = (sum * baseUnitsPerToken) / (1024n * one);
  // Within its share a job makes no more GPUs unrentable than it rents, and the list has these at no less.
  const floors = (['cpuCores', 'memoryMb', 'storageGb'] as const)
    .filter((kind) => offered[kind] > 0 && order[kind] > bundlePerGpu[kind] * order.gpuCount)
    .map(
      (kind) =>
        (cheapest * BigInt(order[kind]) * BigInt(offered.gpus) * baseUnitsPerToken) / (BigInt(offered[kind]) * one),
    );
  return floors.reduce((highest, floor) => (floor > highest ? floor : highest), list);
}

/** A price per hour in base units, rounded down. */
export function rateOf(pricePerHour: number | string): bigint {
  const { digits, scale } = decimal(String(pricePerHour));
  return (digits * baseUnitsPerToken) / 10n ** BigInt(scale);
}

/** A rate as token units per hour, for people: the number nearest to it. */
export function priceOf(rate: bigint | string): number {
  return Number(`${rate}e-${baseUnitDecimals}`);
}

/**
 * A price as a stranger wrote it, a number or decimal text. Numbers are rounded to the decimals a price has; text is
 * taken as it is or not at all.
 *
 * @returns undefined for what is no price.
 */
export function readPrice(value: number | string): number | undefined {
  if (typeof value === 'number')
    return value >= 0 && value <= maxPrice ? Number(value.toFixed(priceDecimals)) : undefined;
  const parts = /^(\d{1,7})(?:\.(\d{1,12}))?$/.exec(value);
  const digits = parts === null ? '' : `${parts[1]}${parts[2] ?? ''}`.replace(/^0+/, '');
  return parts !== null && digits.length <= exactDigits && Number(value) <= maxPrice ? Number(value) : undefined;
}

/** A number in decimal notation, with or without an exponent, as `digits / 10^scale`. */
function decimal(text: string): { digits: bigint; scale: number } {
  const parts = /^(\d+)(?:\.(\d+))?(?:e([+-]?\d{1,3}))?$/.exec(text);
  if (parts === null) throw new RangeError(`${text} is not an amount`);
  const [, whole = '0', fraction = '', exponent = '0'] = parts;
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}
