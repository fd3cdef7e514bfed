import { createHash, randomUUID } from 'node:crypto';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../../src/db/migrate.js';
import { migrationsFolder } from '../../src/db/migration-files.js';
import { connectionOptions, createPool, type PostgresConfig } from '../../src/db/pool.js';
import { testConfig } from './config.js';
import { testTenantKey } from './tenants.js';

/** The database of one test file. */
export interface TestDatabase {
  /** The settings with which a pool, `migrate` or a broker can open it, too. */
  config: PostgresConfig;
  pool: pg.Pool;
  /** Closes the pool and drops the database, even if others are connected to it. */
  close(): Promise<void>;
}

/** An empty database with the current schema for one test file, so that several files can run at the same time. */
export async function freshDatabase(): Promise<TestDatabase> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await asAdministrator(async (client) => {
    await client.query(`create database ${name} template ${await migratedTemplate(client)}`);
  });
  const database = opened(postgresConfig(name));
  await database.pool.query('insert into installation (tenant_key) values ($1)', [testTenantKey]);
  return database;
}

function opened(config: PostgresConfig): TestDatabase {
  const pool = createPool(config);
  return {
    config,
    pool,
    async close() {
      await pool.end();
      await dropDatabase(config.POSTGRES_DB);
    },
  };
}

/** A database as it was before a migration (`0042`), for tests of that migration. */
export async function databaseBefore(migration: string): Promise<TestDatabase> {
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'));
  const config = await emptyDatabase();
  try {
    for (const file of readdirSync(migrationsFolder()).filter((name) => name < migration)) {
      copyFileSync(join(migrationsFolder(), file), join(folder, file));
    }
    await migrate(config, undefined, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return opened(config);
}

/** A database without any schema, for tests of the migrations themselves. Drop it with `dropDatabase`. */
export async function emptyDatabase(): Promise<PostgresConfig> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await asAdministrator((client) => client.query(`create database ${name} template template0`));
  return postgresConfig(name);
}

export async function dropDatabase(name: string): Promise<void> {
  await asAdministrator((client) => client.query(`drop database if exists ${name} with (force)`));
}

/**
 * The name of an empty database with the current schema. Copying it takes a fraction of the time of the migrations. Its
 * name contains a digest of the migrations, so that a changed migration makes a new template.
 */
async function migratedTemplate(client: pg.Client): Promise<string> {
  const folder = migrationsFolder();
  const hash = createHash('sha256');
  for (const file of readdirSync(folder).sort()) hash.update(`${file}\n${readFileSync(join(folder, file), 'utf8')}\n`);
  const digest = hash.digest('hex');
  const name = `template_${digest.slice(0, 24)}`;
  // The lock ends with the session at the latest.
  const lock = [Number.parseInt(digest.slice(0, 12), 16)];
  await client.query('select pg_advisory_lock($1::bigint)', lock);
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 0) {
      // Under another name until it is complete: a run that was killed half-way must not leave a template that looks
      // finished.
      const unfinished = `${name}_new`;
      await client.query(`drop database if exists ${unfinished} with (force)`);
      await client.query(`create database ${unfinished} template template0`);
      await migrate(postgresConfig(unfinished));
      await client.query(`alter database ${unfinished} rename to ${name}`);
    }
  } finally {
    await client.query('select pg_advisory_unlock($1::bigint)', lock);
  }
  return name;
}

function postgresConfig(database: string): PostgresConfig {
  return testConfig({ POSTGRES_DB: database, POSTGRES_POOL_SIZE: 16 });
}

async function asAdministrator(work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client(connectionOptions(postgresConfig('postgres')));
  client.on('error', () => undefined);
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
