import pg, { type PoolClient } from 'pg';
import { connectionOptions, type Queryable } from '../../src/db/pool.js';
import type { JobOrder } from '../../src/domain/job.js';
import { freshDatabase, type TestDatabase } from './database.js';
import { testOrder } from './fleet.js';
import { growDatabase } from './grown-database.js';
import { poolOf } from './pool-of-transaction.js';
import type { Random } from './random.js';

/** How many machines it has. */
export const fleet = 1_500;
export const site = { ALLOW_FREE_JOBS: false, GPU_DEFAULT_PRICES: [{ type: 'rtx-a6000', pricePerHour: '0.3' }] };
/** Sites whose operators have set prices for some types, for none and for all, and one that lets jobs run for nothing. */
export const sites = [
  site,
  { ALLOW_FREE_JOBS: false, GPU_DEFAULT_PRICES: [] },
  { ALLOW_FREE_JOBS: true, GPU_DEFAULT_PRICES: [] },
  { ALLOW_FREE_JOBS: false, GPU_DEFAULT_PRICES: [{ type: '*', pricePerHour: '0.2' }] },
];

/** Much that a price of GPUs does not tell: prices of other things, failures, machines that take nothing, alike machines. */
const mixed = [
  `update providers set cpu_price_per_hour = 0.05 where random() < 0.3`,
  `update providers set memory_price_per_gb_hour = 0.01 where random() < 0.1`,
  `update providers set cordoned = true where random() < 0.1`,
  `update providers set architecture = 'arm64' where random() < 0.1`,
  `update provider_starts set failed_at = now(), times_out = 2`,
  `update provider_resources set price_per_hour = 0.3 where name = 'rtx-4090' and random() < 0.7`,
  `update provider_resources set price_per_hour = 0 where kind = 'gpu' and random() < 0.1`,
  `update provider_resources set rented = total where kind = 'pods' and random() < 0.1`,
  // What is offered and what is sold have one price.
  `update providers p set offer = jsonb_set(offer, '{gpus,0,pricePerHour}', to_jsonb(r.price_per_hour))
     from provider_resources r where r.provider_id = p.provider_id and r.kind = 'gpu'`,
];

/** A fleet in which machines differ in everything, the same with each run. */
export async function mixedFleet(): Promise<TestDatabase> {
  const database = await freshDatabase();
  const client = new pg.Client(connectionOptions(database.config));
  await client.connect();
  await growDatabase(client, { providers: fleet, jobs: 3_000, openJobs: 1_000 });
  await client.query('select setseed(0.5)');
  for (const change of mixed) await client.query(change);
  await client.query('vacuum analyze');
  await client.end();
  return database;
}

/** Asks the database, which is to walk along the prices or not, and counts the statements that read the whole fleet. */
export function walkingOrNot(isWalking: boolean, of: Queryable) {
  const whole: string[] = [];
  const query = async (asked: string | { text: string }, values: unknown[]) => {
    const text = typeof asked === 'string' ? asked : asked.text;
    const isWalk = text.includes('walked');
    if (isWalk && !isWalking) return { rows: [{ is_all: false, is_best: false }] };
    if (!isWalk && text.includes('left join provider_starts')) whole.push(text);
    return await of.query(asked as string, values);
  };
  return { db: poolOf({ query } as unknown as PoolClient), whole };
}

export function orderAtRandom(random: Random): JobOrder {
  const gpuType = random.pick([undefined, '4090', 'a100', 'h100', '3060', 'a6000']);
  return testOrder({
    ...(gpuType === undefined ? {} : { gpuType }),
    gpuCount: random.pick([1, 1, 2, 8]),
    ...{ cpuCores: random.pick([1, 8, 20]), memoryMb: random.pick([1_024, 65_536]) },
    ...random.pick([
      {},
      {},
      { minVramGb: 80 },
      { maxPricePerHour: 0.3 },
      { architecture: 'arm64' as const },
      { minCuda: 1_300 },
    ]),
  });
}
