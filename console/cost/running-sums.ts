import type { Job } from '../../src/client/shapes.js';
import { unitsOf } from '../parts/exact.js';

const units = /^\d{1,90}$/;

/** How many jobs run, what they cost an hour, and what is held for all that have not ended; amounts in base units. */
export function runningSums(
  jobs: readonly Pick<Job, 'status' | 'price_per_hour' | 'cost'>[],
  decimals: number,
): {
  running: number;
  perHour: bigint;
  reserved: bigint;
} {
  const running = jobs.filter(({ status }) => status === 'running');
  return {
    running: running.length,
    perHour: running.reduce((sum, job) => sum + ratePerHour(job, decimals), 0n),
    reserved: jobs.reduce((sum, { cost }) => sum + unitsIn(cost?.reserved), 0n),
  };
}

const unitsIn = (text: string | undefined) => (text !== undefined && units.test(text) ? BigInt(text) : 0n);

/** What the bill is worked out from; a broker that does not say so has the price for people, whose decimals are exact. */
function ratePerHour({ cost, price_per_hour: price = 0 }: Pick<Job, 'price_per_hour' | 'cost'>, decimals: number) {
  return cost?.rate_per_hour === undefined ? unitsOf(price, decimals) : unitsIn(cost.rate_per_hour);
}
