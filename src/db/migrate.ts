import { setTimeout as sleep } from 'node:timers/promises';
import { PG_MIGRATE_LOCK_ID, runner } from 'node-pg-migrate';
import pg from 'pg';
import { groupsOf, migrationNames, migrationsFolder, readMigration, statementsOf } from './migration-files.js';
import { connectionOptions, toDependencyError, type PostgresConfig } from './pool.js';
import { refuseBesideOlderBuilds, schemaFloor } from './schema-floor.js';

const migrationsTable = 'schema_migrations';

/** A newer version of the broker has migrated the database, so that this one cannot live with it. */
export class SchemaTooNewError extends Error {
  override readonly name = 'SchemaTooNewError';

  constructor(readonly unknown: readonly string[]) {
    super(
      `The database has migrations that this version does not know (${unknown.join(', ')}): ` +
        'it was migrated by a newer version. Start that version, or a newer one. ' +
        'docs/workflow-changes.md says how to go back all the same.',
    );
  }
}

/** Receives the progress lines of `migrate`, which contain no secrets. */
type MigrationLog = (line: string) => void;

/**
 * How long a migration waits for a lock. Everything else that uses the table waits behind it, so it gives way to a
 * transaction that takes long, and is tried again as a whole.
 */
const lockTimeoutMs = 3_000;
/** How often a process looks whether another one has finished migrating. */
const turnEveryMs = 200;

/**
 * Brings the schema up to date. Any number of processes may do so at once: each waits for the previous one and then finds
 * nothing left to do. Consecutive migrations run in one transaction; one that says so runs outside any, statement by
 * statement, and is repeated from its beginning if it does not come to its end.
 *
 * @param folder the folder of the migrations; only tests pass another one.
 * @returns the names of the migrations that this call ran.
 * @throws SchemaTooNewError or OlderBuildsRunError before anything is changed.
 * @throws BrokerError `dependency_unavailable` also when a lock was not free in time: try again.
 */
export async function migrate(
  config: Omit<PostgresConfig, 'POSTGRES_POOL_SIZE'>,
  log: MigrationLog = () => undefined,
  folder: string = migrationsFolder(),
): Promise<string[]> {
  // No statement timeout: an index of a large table takes as long as it takes.
  const client = new pg.Client(connectionOptions(config));
  client.on('error', () => undefined);
  try {
    await client.connect();
    await untilMyTurn(client);
    const ran = await ranMigrations(client);
    const names = migrationNames(folder);
    const unknown = ran.filter((name) => !names.includes(name));
    if (unknown.length > 0) {
      const floor = await schemaFloor(client);
      if (floor === undefined || !names.includes(floor)) throw new SchemaTooNewError(unknown);
      log(`the database is of a newer version (${unknown.join(', ')}), with which this one can live`);
    }
    const pending = names.filter((name) => !ran.includes(name));
    await refuseBesideOlderBuilds(client, folder, pending);
    for (const group of groupsOf(folder, pending)) {
      if (group.isOutside) await runOutside(client, folder, group.names[0]!, log);
      else await runInTransaction(client, folder, group.names.length, log);
    }
    return pending;
  } catch (error) {
    throw toDependencyError(error);
  } finally {
    // Ends the session, and with it every lock it holds.
    await client.end().catch(() => undefined);
  }
}

/**
 * Waits until nobody else migrates or checks. The runner takes the same lock, which a session may do twice. It is asked for
 * again and again, and not waited for: an index that is built concurrently waits for every statement that has begun.
 */
async function untilMyTurn(client: pg.Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ mine: boolean }>('select pg_try_advisory_lock($1) as mine', [
      PG_MIGRATE_LOCK_ID,
    ]);
    if (rows[0]!.mine) return;
    await sleep(turnEveryMs);
  }
}

/** Runs the next migrations, all of them or none. */
async function runInTransaction(client: pg.Client, folder: string, count: number, log: MigrationLog): Promise<void> {
  await client.query(`set lock_timeout = ${lockTimeoutMs}`);
  await runner({
    dbClient: client,
    dir: folder,
    ignorePattern: '(?!.*\\.sql$).*',
    direction: 'up',
    count,
    migrationsTable,
    singleTransaction: true,
    checkOrder: true,
    advisoryLockMode: 'wait',
    log,
  });
}

/** Its statements can be repeated, and wait for others without anybody waiting behind them. */
async function runOutside(client: pg.Client, folder: string, name: string, log: MigrationLog): Promise<void> {
  log(`### MIGRATION ${name} (UP), outside a transaction ###`);
  await client.query('set lock_timeout = 0');
  const text = readMigration(folder, name);
  const indexes = [...text.matchAll(/index concurrently if not exists (\w+)/g)].map(([, index]) => index);
  // One that was not built to its end has its name, and is of no use.
  const { rows } = await client.query<{ dropping: string }>(
    `select format('drop index concurrently %I', c.relname) as dropping
       from pg_index i join pg_class c on c.oid = i.indexrelid
      where not i.indisvalid and c.relname = any ($1)`,
    [indexes],
  );
  for (const statement of [...rows.map(({ dropping }) => dropping), ...statementsOf(text)]) {
    await client.query(statement);
  }
  await client.query(`insert into public.${migrationsTable} (name, run_on) values ($1, now())`, [name]);
}

/** The migrations that the database has had, in their order. */
async function ranMigrations(client: pg.Client): Promise<string[]> {
  const { rows: tables } = await client.query<{ found: boolean }>('select to_regclass($1) is not null as found', [
    `public.${migrationsTable}`,
  ]);
  if (tables[0]?.found !== true) return [];
  const { rows } = await client.query<{ name: string }>(`select name from public.${migrationsTable} order by id`);
  return rows.map(({ name }) => name);
}
