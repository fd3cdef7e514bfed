import { sentence, type Printable } from './outside.js';

/** The facts that decide whether a provider able to serve is offered to customers. */
export interface OfferFacts {
  /** Its GPU types at their effective prices; empty for a machine without GPUs. */
  gpus: readonly { model: string; pricePerHour: number }[];
  cpuPricePerHour: number;
  memoryPricePerGbHour: number;
  storagePricePerGbHour?: number;
  availableFrom?: Date | undefined;
  availableUntil?: Date | undefined;
  /** Until when the provider is suspended from placement because it failed to start jobs. */
  outUntil?: Date | undefined;
  /** Of the last failed start: an error code, or words. */
  outReason?: string | undefined;
  /** Why its GPUs are not sold as registered; '' if they are. */
  gpusReason?: string | undefined;
}

/**
 * Why a provider or some of its GPUs get no orders although the machine is healthy, for its owner and for operators.
 *
 * @param freeJobs true if the site allows jobs that cost nothing.
 * @returns undefined when everything is offered.
 */
export function whyNotOffered(
  {
    gpus,
    cpuPricePerHour,
    memoryPricePerGbHour,
    storagePricePerGbHour = 0,
    availableFrom,
    availableUntil,
    outUntil,
    outReason,
    gpusReason = '',
  }: OfferFacts,
  { freeJobs, now }: { freeJobs: boolean; now: Date },
): Printable | undefined {
  if (outUntil !== undefined && outUntil > now) {
    const last = outReason === undefined ? '' : ` (${outReason})`;
    return sentence(
      `it failed to start jobs of several customers${last}, and is tried again from ${outUntil.toISOString()} on`,
    );
  }
  if (availableFrom !== undefined && availableFrom > now) {
    return sentence(`its owner offers it from ${availableFrom.toISOString()} on`);
  }
  if (availableUntil !== undefined && availableUntil <= now) {
    return sentence(`its owner offered it until ${availableUntil.toISOString()}`);
  }
  // Every job uses cores, memory and disk, so a price for any of them means that no job is free.
  const isEveryJobPaid = cpuPricePerHour > 0 || memoryPricePerGbHour > 0 || storagePricePerGbHour > 0;
  const reasons = [freeJobs || isEveryJobPaid ? '' : whyUnpriced(gpus), gpusReason];
  const given = reasons.filter((reason) => reason !== '');
  return given.length === 0 ? undefined : sentence(given.join('; '));
}

function whyUnpriced(gpus: OfferFacts['gpus']): string {
  const unpriced = gpus.filter(({ pricePerHour }) => pricePerHour === 0);
  if (gpus.length > 0 && unpriced.length === 0) return '';
  const what = gpus.length === 0 ? 'its processors' : unpriced.map(({ model }) => model).join(', ');
  return `nobody has set a price for ${what}: neither its owner nor the operator of this site`;
}
