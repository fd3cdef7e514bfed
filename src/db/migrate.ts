import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PG_MIGRATE_LOCK_ID, runner } from 'node-pg-migrate';
import pg from 'pg';
import { packageFolder } from '../broker-version.js';
import { connectionOptions, toDependencyError, type PostgresConfig } from './pool.js';

const migrationsTable = 'schema_migrations';

/** A newer version of the broker has migrated the database. */
export class SchemaTooNewError extends Error {
  override readonly name = 'SchemaTooNewError';

  constructor(readonly unknown: readonly string[]) {
    super(
      `The database has migrations that this version does not know (${unknown.join(', ')}): ` +
        'it was migrated by a newer version. Start that version, or a newer one.',
    );
  }
}

/** Receives the progress lines of `migrate`, which contain no secrets. */
export type MigrationLog = (line: string) => void;

/**
 * Brings the schema up to date, completely or not at all. Any number of processes may do so at once: each waits for the
 * previous one and then finds nothing left to do.
 *
 * @param folder the folder of the migrations; only tests pass another one.
 * @returns the names of the migrations that this call ran.
 * @throws SchemaTooNewError before anything is changed.
 */
export async function migrate(
  config: Omit<PostgresConfig, 'POSTGRES_POOL_SIZE'>,
  log: MigrationLog = () => undefined,
  folder: string = migrationsFolder(),
): Promise<string[]> {
  // No statement timeout: waiting for another process takes as long as its longest migration.
  const client = new pg.Client(connectionOptions(config));
  client.on('error', () => undefined);
  try {
    await client.connect();
    // The runner takes the same lock. Taking it here first (a session may take it twice) also covers the check, so that
    // nobody migrates between the check and the run.
    await client.query('select pg_advisory_lock($1)', [PG_MIGRATE_LOCK_ID]);
    const unknown = await unknownMigrations(client, folder);
    if (unknown.length > 0) throw new SchemaTooNewError(unknown);
    const ran = await runner({
      dbClient: client,
      dir: folder,
      ignorePattern: '(?!.*\\.sql$).*',
      direction: 'up',
      migrationsTable,
      singleTransaction: true,
      checkOrder: true,
      advisoryLockMode: 'wait',
      log,
    });
    return ran.map(({ name }) => name);
  } catch (error) {
    throw toDependencyError(error);
  } finally {
    // Ends the session, and with it every lock it holds.
    await client.end().catch(() => undefined);
  }
}

/** Migrations the database has and this version does not. */
async function unknownMigrations(client: pg.Client, folder: string): Promise<string[]> {
  const { rows: tables } = await client.query<{ found: boolean }>('select to_regclass($1) is not null as found', [
    `public.${migrationsTable}`,
  ]);
  if (tables[0]?.found !== true) return [];
  const known = new Set(readdirSync(folder).map((file) => file.replace(/\.sql$/, '')));
  const { rows } = await client.query<{ name: string }>(`select name from public.${migrationsTable} order by id`);
  return rows.map(({ name }) => name).filter((name) => !known.has(name));
}

/**
 * The migrations of this package. The compiler does not copy them, so they are read from the sources in either case:
 * `src/db/migrations` below the folder that holds package.json.
 */
export function migrationsFolder(): string {
  return join(packageFolder(), 'src', 'db', 'migrations');
}
