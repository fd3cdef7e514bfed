import type { Job } from '../../src/client/shapes.js';

const units = /^\d{1,90}$/;

/** How many jobs run, what they cost an hour in tokens, and what is held for all that have not ended, in base units. */
export function runningSums(jobs: readonly Pick<Job, 'status' | 'price_per_hour' | 'cost'>[]): {
  running: number;
  perHour: number;
  reserved: bigint;
} {
  const running = jobs.filter(({ status }) => status === 'running');
  return {
    running: running.length,
    perHour: running.reduce((sum, { price_per_hour: price = 0 }) => sum + price, 0),
    reserved: jobs.reduce(
      (sum, { cost }) => sum + (units.test(cost?.reserved ?? '') ? BigInt(cost!.reserved) : 0n),
      0n,
    ),
  };
}
