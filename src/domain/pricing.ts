import type { JobOrder } from './job.js';

/** What one unit costs at a provider, in token units per hour. */
export interface UnitPrices {
  /** Of the GPU type the job gets; 0 for a job without GPUs. */
  gpuPricePerHour: number;
  cpuPricePerHour: number;
  memoryPricePerGbHour: number;
}

/** Prices are kept to so many decimals; what lies below is noise of floating point. */
export const priceDecimals = 12;

/** What a whole job costs, in token units per hour. A gigabyte is 1024 MB; storage is not charged. */
export function pricePerHour(
  order: Pick<JobOrder, 'gpuCount' | 'cpuCores' | 'memoryMb'>,
  { gpuPricePerHour, cpuPricePerHour, memoryPricePerGbHour }: UnitPrices,
): number {
  const sum =
    order.gpuCount * gpuPricePerHour +
    order.cpuCores * cpuPricePerHour +
    (order.memoryMb / 1024) * memoryPricePerGbHour;
  return Number(sum.toFixed(priceDecimals));
}

/** A token has 18 decimals, as on chain. */
const baseUnitDecimals = 18;

/**
 * What so many seconds cost, in base units (10^-18 of a token), rounded up: a reservation never falls short. Exact in
 * the decimal notation of both numbers, so 0.1 is a tenth.
 *
 * @example toBaseUnits(3.6, 1) === 1_000_000_000_000_000n
 * @throws RangeError for anything that is negative or not finite.
 */
export function toBaseUnits(pricePerHour: number, seconds: number): bigint {
  const price = decimal(pricePerHour);
  const time = decimal(seconds);
  const dividend = price.digits * time.digits * 10n ** BigInt(baseUnitDecimals);
  const divisor = 3_600n * 10n ** BigInt(price.scale + time.scale);
  return (dividend + divisor - 1n) / divisor;
}

/** A number as `digits / 10^scale`, from its shortest notation. */
function decimal(value: number): { digits: bigint; scale: number } {
  if (!Number.isFinite(value) || value < 0) throw new RangeError(`${value} is not an amount`);
  const [mantissa = '0', exponent = '0'] = String(value).split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const scale = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction);
  return scale >= 0 ? { digits, scale } : { digits: digits * 10n ** BigInt(-scale), scale: 0 };
}
