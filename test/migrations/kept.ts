import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { connectionOptions, createPool, type PostgresConfig } from '../../src/db/pool.js';
import { packageRoot } from '../../engines/paths.js';
import { dropDatabase, emptyDatabase } from '../support/database.js';

/** A database of version 0.1.0 as SQL: every table has rows, and jobs run. See `record-0.1.0.ts`. */
export const keptDatabase = join(packageRoot, 'test', 'migrations', '0.1.0.sql');

/** What stands in it, by what the tests ask for it. */
export const kept = {
  customer: `0x${'a1'.repeat(20)}`,
  owner: `0x${'b2'.repeat(20)}`,
  session: '00000000-0000-4000-8000-000000000001',
  jobs: {
    running: '10000000-0000-4000-8000-000000000001',
    /** It runs since before SSH servers had keys that were written down. */
    runningWithoutHostKey: '10000000-0000-4000-8000-000000000002',
    provisioning: '10000000-0000-4000-8000-000000000003',
    pending: '10000000-0000-4000-8000-000000000004',
    ending: '10000000-0000-4000-8000-000000000005',
    completed: '10000000-0000-4000-8000-000000000006',
    failed: '10000000-0000-4000-8000-000000000007',
    cancelledBeforeItsPlacement: '10000000-0000-4000-8000-000000000008',
  },
  providers: {
    serves: 'serves',
    /** Two types of GPUs under one resource. */
    mixed: 'mixed',
    offline: 'offline',
    drains: 'drains',
    approved: 'approved-unsigned',
    pending: 'pending',
    retired: 'retired',
  },
} as const;

/** A new database as version 0.1.0 left it. Drop it with `dropDatabase`. */
export async function databaseOf010(): Promise<PostgresConfig> {
  const config = await emptyDatabase();
  const client = new pg.Client(connectionOptions(config));
  await client.connect();
  try {
    await client.query(readFileSync(keptDatabase, 'utf8'));
  } finally {
    await client.end();
  }
  return config;
}

/** Does something with a new database, and drops it. */
export async function using(
  make: () => Promise<PostgresConfig>,
  work: (config: PostgresConfig, pool: pg.Pool) => Promise<void>,
): Promise<void> {
  const config = await make();
  const pool = createPool(config);
  try {
    await work(config, pool);
  } finally {
    await pool.end();
    await dropDatabase(config.POSTGRES_DB);
  }
}
