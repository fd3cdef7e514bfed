import type { SitePrices } from '../config.js';
import { offeredRates } from '../db/candidates.js';
import type { Database } from '../db/pool.js';
import type { JobOrder } from '../domain/job.js';
import { rateOf } from '../domain/pricing.js';
import { dearest, lesser } from '../domain/quote.js';

/** How many of the cheapest candidates are read to learn what a job may cost. */
export const candidatesConsidered = 8;

/** A job's maximum rate, and the rates to reserve for, to be tried in turn; in base units. */
export interface RateBounds {
  bound: bigint;
  reserves: bigint[];
}

/** By what is on offer now. */
export async function offeredBounds(db: Database, order: JobOrder, site: SitePrices): Promise<RateBounds> {
  const offered = await offeredRates(db, order, site, candidatesConsidered);
  return boundsOf(soundOnes(offered), maximumOf(order));
}

/** Offers of machines that start jobs: an absurdly low price of one that does not would rule out all others. */
export function soundOnes<O extends { hasFailed: boolean }>(offers: readonly O[]): readonly O[] {
  const sound = offers.filter(({ hasFailed }) => !hasFailed);
  return sound.length > 0 ? sound : offers;
}

export function maximumOf({ maxPricePerHour }: Pick<JobOrder, 'maxPricePerHour'>): bigint | undefined {
  return maxPricePerHour === undefined ? undefined : rateOf(maxPricePerHour);
}

/** @param maximum the customer's own; without one, twice the cheapest of the offers at most. */
export function boundsOf(offers: readonly { rate: bigint }[], maximum: bigint | undefined): RateBounds {
  const [first] = offers;
  if (first === undefined) {
    const bound = maximum ?? 0n;
    return { bound, reserves: [bound] };
  }
  const cheapest = offers.reduce((least, { rate }) => lesser(least, rate), first.rate);
  const usual = lesser(dearest(offers), 2n * cheapest);
  // An absurd offer within the customer's maximum must not tie up the session's limit either.
  return { bound: maximum ?? usual, reserves: usual === cheapest ? [cheapest] : [usual, cheapest] };
}
