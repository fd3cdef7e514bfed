import { chargeFor } from '../../src/wire/charge.js';
import type { Quote } from '../../src/client/shapes.js';
import { counted } from '../market/words.js';
import { unitsOf } from '../parts/exact.js';

/** One part of what an hour costs, in base units. */
export interface PricePart {
  label: string;
  units: bigint;
}

/**
 * What the price of an hour is made of, where a placement would try first: the GPUs, and what else has a price there or
 * makes other GPUs of the machine unrentable. Its parts sum up to the rate of the quote.
 */
export function priceParts({ rate_per_hour: rate, currency, offers }: Quote, gpuCount: number): PricePart[] {
  const [first] = offers;
  if (first === undefined || rate === null) return [];
  const all = BigInt(rate);
  const ofOne = unitsOf(first.price_per_gpu_hour, currency.decimals);
  const gpus = ofOne * BigInt(gpuCount);
  // An order without GPUs, and a price that does not fit the rate: there is nothing to take apart.
  if (gpus === 0n || gpus > all) return [{ label: 'An hour', units: all }];
  const parts = [{ label: counted(gpuCount, 'GPU'), units: gpus }];
  if (gpus === all) return parts;
  return [...parts, { label: restLabel(first, gpuCount), units: all - gpus }];
}

/** It counts as more GPUs than it rents where it takes more than their share. Older replicas do not say so. */
function restLabel({ includes }: Partial<Quote['offers'][number]>, gpuCount: number): string {
  const equivalents = includes?.gpu_equivalents ?? '';
  const isShare = Number(equivalents) > gpuCount;
  return isShare ? `More than its share of the machine: counts as ${equivalents} GPUs` : 'Cores, memory and disk';
}

/** What a job is charged that is ended after a part of its time. The same sum as on its receipt. */
export function chargedAfter({ rate_per_hour: rate }: Pick<Quote, 'rate_per_hour'>, seconds: number): bigint {
  return rate === null ? 0n : chargeFor(BigInt(rate), Math.round(seconds * 1000));
}
