import type pg from 'pg';
import { migrationNames, migrationsFolder, raisesFloor, readMigration } from './migration-files.js';

/** What every connection of a broker is called in Postgres. Versions before the floor have nothing behind it. */
const program = 'worldland-broker';
/** The digits with which the name of a migration begins. */
const numberLength = 4;

/** Tells newer builds which migrations this one knows: `worldland-broker 0098`, the number of the last one. */
export function applicationName(lastMigration = migrationNames(migrationsFolder()).at(-1)): string {
  return `${program} ${lastMigration?.slice(0, numberLength) ?? ''}`.trimEnd();
}

/** Processes of older builds run, which could not live with what a migration does. */
export class OlderBuildsRunError extends Error {
  override readonly name = 'OlderBuildsRunError';

  constructor(
    readonly migration: string,
    readonly connections: readonly string[],
  ) {
    super(
      `Older versions of the broker are connected to the database (${connections.join(', ')}), and they cannot work ` +
        `with what ${migration} changes. Nothing was changed. Stop all processes of older versions, then start this one again.`,
    );
  }
}

/** The oldest migration that a build has to know; undefined in a database from before there was such a floor. */
export async function schemaFloor(client: pg.Client): Promise<string | undefined> {
  const { rows: tables } = await client.query<{ found: boolean }>(
    `select to_regclass('public.schema_floor') is not null as found`,
  );
  if (tables[0]?.found !== true) return undefined;
  const { rows } = await client.query<{ migration: string }>('select migration from public.schema_floor');
  return rows[0]?.migration;
}

/**
 * Every running process holds a connection, because its `/ready` asks the database. So an older build is seen, unless it
 * lost the database in this moment; one that starts later finds the floor.
 *
 * @throws OlderBuildsRunError if a migration that is to run needs older builds to be gone, and one is there.
 */
export async function refuseBesideOlderBuilds(
  client: pg.Client,
  folder: string,
  pending: readonly string[],
): Promise<void> {
  const raising = pending.find((name) => raisesFloor(readMigration(folder, name)));
  if (raising === undefined) return;
  const { rows } = await client.query<{ name: string; address: string | null }>(
    `select application_name as name, host(client_addr) as address
       from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() and starts_with(application_name, $1)`,
    [program],
  );
  const older = rows.filter(({ name }) => name < applicationName(raising));
  if (older.length === 0) return;
  const connections = older.map(({ name, address }) => (address === null ? name : `${name} at ${address}`));
  throw new OlderBuildsRunError(raising, [...new Set(connections)].sort());
}
