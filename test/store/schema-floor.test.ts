import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import { migrate, SchemaTooNewError } from '../../src/db/migrate.js';
import { migrationsFolder } from '../../src/db/migration-files.js';
import { connectionOptions, type PostgresConfig } from '../../src/db/pool.js';
import { applicationName, OlderBuildsRunError } from '../../src/db/schema-floor.js';
import { dropDatabase, emptyDatabase } from '../support/database.js';

const raising = '9997_older_builds_cannot';
let config: PostgresConfig;
/** The migrations of a newer build with which this one can live. */
let harmless: string;
/** The same, and one with which it cannot. */
let newer: string;
let opened: pg.Client[];

/** The migrations of this build, and others. */
function folderWith(others: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'));
  for (const file of readdirSync(migrationsFolder())) copyFileSync(join(migrationsFolder(), file), join(folder, file));
  for (const [name, sql] of Object.entries(others)) writeFileSync(join(folder, `${name}.sql`), sql);
  return folder;
}

beforeAll(() => {
  const added = { '9996_harmless': 'create table harmless (x int);' };
  harmless = folderWith(added);
  const renames = 'alter table jobs rename column image to picture;';
  newer = folderWith({ ...added, [raising]: `${renames} update schema_floor set migration = '${raising}';` });
});
afterAll(() => {
  for (const folder of [harmless, newer]) rmSync(folder, { recursive: true });
});
beforeEach(async () => {
  opened = [];
  config = await emptyDatabase();
  await migrate(config);
});
afterEach(async () => {
  await Promise.all(opened.map((client) => client.end()));
  await dropDatabase(config.POSTGRES_DB);
});

/** A connection as a running process has one. */
async function connected(name = applicationName()): Promise<pg.Client> {
  const client = new pg.Client({ ...connectionOptions(config), application_name: name });
  opened.push(client);
  await client.connect();
  return client;
}
const ranByTomorrow = `insert into schema_migrations (name, run_on) values ('9999_of_tomorrow', now())`;

test('a process starts on a database that a newer version has migrated, if it can live with what that version added', async () => {
  await (await connected()).query(ranByTomorrow);
  const said: string[] = [];
  expect(await migrate(config, (line) => said.push(line))).toEqual([]);
  expect(said.join()).toContain('9999_of_tomorrow');
});

test('a process does not start on a database whose floor it does not know, and is told where to read on', async () => {
  const client = await connected();
  await client.query(ranByTomorrow);
  await client.query(`update schema_floor set migration = '9999_of_tomorrow'`);
  await expect(migrate(config)).rejects.toThrow(SchemaTooNewError);
  await expect(migrate(config)).rejects.toThrow(/\(9999_of_tomorrow\).*workflow-changes\.md/);
});

test.each(['worldland-broker', applicationName('0061_indexes_of_charges'), applicationName()])(
  'a migration that older builds cannot live with changes nothing while %j is connected, and says what to do',
  async (older) => {
    const client = await connected(older);
    const refused = migrate(config, undefined, newer);
    await expect(refused).rejects.toThrow(OlderBuildsRunError);
    await expect(refused).rejects.toThrow(new RegExp(`\\(${older}.*${raising}.*Nothing was changed.*Stop all`));
    const { rows } = await client.query(`select to_regclass('harmless') as made`);
    expect(rows).toEqual([{ made: null }]);
  },
);

test('a migration that older builds cannot live with runs when they are gone, beside newer builds and other programs, and keeps them from starting', async () => {
  await connected(applicationName('9998_newer_still'));
  await connected('psql');
  expect(await migrate(config, undefined, newer)).toEqual(['9996_harmless', raising]);
  await expect(migrate(config)).rejects.toThrow(SchemaTooNewError);
  expect(await migrate(config, undefined, newer)).toEqual([]);
});

test('a migration that older builds can live with runs beside them, and they can start again', async () => {
  await connected('worldland-broker');
  expect(await migrate(config, undefined, harmless)).toEqual(['9996_harmless']);
  expect(await migrate(config)).toEqual([]);
});
