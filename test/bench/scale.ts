import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import pg from 'pg';
import { startStack } from '../../engines/stack.js';
import type { SitePrices } from '../../src/config.js';
import type * as Candidates from '../../src/db/candidates.js';
import type * as Availability from '../../src/db/gpu-availability.js';
import type * as Jobs from '../../src/db/jobs.js';
import type * as Keepers from '../../src/db/keepers.js';
import { migrate } from '../../src/db/migrate.js';
import { migrationsFolder } from '../../src/db/migration-files.js';
import type * as OfferReads from '../../src/db/offer-reads.js';
import { createPool, type Database, type PostgresConfig } from '../../src/db/pool.js';
import type * as ProviderReads from '../../src/db/provider-reads.js';
import type * as ReconcileJobs from '../../src/db/reconcile-jobs.js';
import type { JobOrder } from '../../src/domain/job.js';
import { growDatabase, grownWallet } from '../support/grown-database.js';
import { poolOf } from '../support/pool-of-transaction.js';
import { quantile, type Measurement } from './measurement.js';

const size = { providers: 10_000, jobs: 1_000_000, openJobs: 5_000 };
const repeats = 9;
/** They came with what is measured: an earlier version is measured without them. */
const newIndexes = [
  ...['provider_resources_free_gpus', 'jobs_ended_of_wallet_by_status'],
  ...[
    'jobs_ended_by_status',
    'jobs_of_wallet_by_name',
    'provider_resources_gpus_by_price',
    'providers_with_other_prices',
  ],
];

const site: SitePrices = { ALLOW_FREE_JOBS: false, GPU_DEFAULT_PRICES: [] };
const order = (more: Partial<JobOrder> = {}): JobOrder => ({
  ...{
    jobId: '',
    wallet: '',
    image: '',
    gpuCount: 1,
    cpuCores: 1,
    memoryMb: 1_024,
    storageGb: 1,
    durationSeconds: 3_600,
  },
  ...more,
});

type Db = typeof Availability &
  typeof Candidates &
  typeof Jobs &
  typeof Keepers &
  typeof OfferReads &
  typeof ProviderReads &
  typeof ReconcileJobs;

/** The statements of one version of the code. */
async function statementsIn(checkout: string): Promise<Record<string, (db: Database) => Promise<unknown>>> {
  // Not every version has each of them: what one lacks is in another.
  const files = ['candidates', 'provider-reads', 'gpu-availability', 'jobs', 'reconcile-jobs', 'offer-reads', 'keepers']
    .map((file) => join(checkout, `src/db/${file}.ts`))
    .filter((file) => existsSync(file));
  const modules = await Promise.all(files.map((file) => import(file) as Promise<object>));
  const of = Object.assign({}, ...modules) as Db;
  const page = { limit: 50, offset: 0 };
  const cheap = order({ gpuType: '4090', maxPricePerHour: 0.01 });
  return {
    'placement, one GPU of any type': (db) => of.placementCandidates(db, order(), site, 8),
    'placement, one GPU of one type': (db) => of.placementCandidates(db, order({ gpuType: '4090' }), site, 8),
    'placement, a whole machine': (db) => of.placementCandidates(db, order({ gpuType: '4090', gpuCount: 8 }), site, 8),
    'placement, no GPU': (db) => of.placementCandidates(db, order({ gpuCount: 0 }), site, 8),
    'list of providers, first page': (db) => of.listProviders(db, { limit: 50 }, site),
    'search of providers': (db) => of.searchProviders(db, { ...page, sort: 'price' }, site),
    'search of providers, one type': (db) => of.searchProviders(db, { ...page, sort: 'price', gpuType: '4090' }, site),
    'search of providers, most free first': (db) => of.searchProviders(db, { ...page, sort: 'available_gpus' }, site),
    'free GPUs of all machines, first page': (db) => of.gpuAvailability(db, { limit: 100 }, site),
    'offers, cheapest first': (db) => of.findOffers(db, { order: order(), sort: 'price', limit: 50 }, site),
    'what a quote reads': (db) => of.findOffers(db, { order: order(), sort: 'placement', limit: 8 }, site),
    'why nobody takes an order': (db) => of.findKeepers(db, order({ gpuCount: 99 }), site),
    'why nobody takes an order of one type': (db) => of.findKeepers(db, cheap, site),
    'pods that run': (db) => of.runningPods(db, 30),
    'own jobs, those that run': (db) => of.listJobs(db, grownWallet, { limit: 50, statuses: ['running'] }),
    'own jobs, those that failed': (db) => of.listJobs(db, grownWallet, { limit: 50, statuses: ['failed'] }),
    'own jobs, all': (db) => of.listJobs(db, grownWallet, { limit: 50 }),
  };
}

/**
 * What statements take on a database of a large site that has run for long. It is made once, and kept below `.data`.
 *
 * @param before a checkout of an earlier version, whose statements are asked in turns, without the newest indexes.
 */
export async function measureScale(log: (line: string) => void, before?: string): Promise<Measurement[]> {
  const stack = await startStack({ dataDir: '.data/bench-scale', engines: ['postgres'], processes: [], log });
  try {
    const pool = createPool(await grownDatabase(new URL(stack.endpoints().postgres!), log));
    try {
      const now = await statementsIn(resolve('.'));
      const earlier = before === undefined ? undefined : await statementsIn(resolve(before));
      const measured: Measurement[] = [];
      for (const [name, ask] of Object.entries(now)) {
        log(`  ${name}`);
        measured.push(await compared(pool, name, ask, earlier?.[name]));
      }
      return measured;
    } finally {
      await pool.end();
    }
  } finally {
    await stack.stop();
  }
}

type Ask = (db: Database) => Promise<unknown>;

async function compared(pool: pg.Pool, work: string, ask: Ask, askBefore?: Ask): Promise<Measurement> {
  const now: number[] = [];
  const before: number[] = [];
  for (let round = 0; round < repeats; round++) {
    now.push(await timed(pool, [], ask));
    if (askBefore !== undefined) before.push(await timed(pool, newIndexes, askBefore));
  }
  const [ms, msBefore] = [quantile(now, 0.5), quantile(before, 0.5)];
  const target = work.startsWith('placement, one GPU') ? '≤ 3 ms' : '';
  const earlier =
    askBefore === undefined ? '' : `; before ${msBefore.toFixed(1)} ms, ratio ${(msBefore / ms).toFixed(1)}`;
  return { work, target, measured: `${ms.toFixed(1)} ms${earlier}`, ...(target === '' ? {} : { met: ms <= 3 }) };
}

/** Milliseconds of one execution, as if these indexes did not exist. */
async function timed(pool: pg.Pool, without: readonly string[], ask: Ask): Promise<number> {
  const client = await pool.connect();
  try {
    await client.query('begin');
    if (without.length > 0) await client.query(`drop index if exists ${without.join(', ')}`);
    const began = performance.now();
    await ask(poolOf(client));
    return performance.now() - began;
  } finally {
    await client.query('rollback');
    client.release();
  }
}

/** The database of this schema and these sizes. A filling that was cut short is begun anew. */
async function grownDatabase(url: URL, log: (line: string) => void): Promise<PostgresConfig> {
  const made = createHash('sha256').update(JSON.stringify(size));
  made.update(readFileSync(new URL('../support/grown-database.ts', import.meta.url)));
  for (const file of readdirSync(migrationsFolder()).sort()) made.update(readFileSync(join(migrationsFolder(), file)));
  const name = `grown_${made.digest('hex').slice(0, 16)}`;
  const config = (database: string): PostgresConfig => ({
    POSTGRES_HOST: url.hostname,
    POSTGRES_PORT: Number(url.port),
    POSTGRES_DB: database,
    POSTGRES_USER: url.username,
    POSTGRES_PASSWORD: decodeURIComponent(url.password),
    POSTGRES_SSL_MODE: 'disable',
    POSTGRES_POOL_SIZE: 2,
  });
  const admin = new pg.Client({ connectionString: url.href });
  await admin.connect();
  try {
    const { rows } = await admin.query<{ datname: string }>(
      `select datname from pg_database where datname ~ '^grown_'`,
    );
    if (rows.some(({ datname }) => datname === name)) return config(name);
    // Those of other schemas are of no use any more, and large.
    for (const { datname } of rows) await admin.query(`drop database ${datname} with (force)`);
    log(`  filling a database with ${size.providers} providers and ${size.jobs} jobs, once`);
    await admin.query(`create database ${name}_new template template0`);
    await migrate(config(`${name}_new`));
    const filling = new pg.Client({ connectionString: new URL(`/${name}_new`, url).href });
    await filling.connect();
    await growDatabase(filling, size);
    await filling.end();
    await admin.query(`alter database ${name}_new rename to ${name}`);
    return config(name);
  } finally {
    await admin.end();
  }
}
