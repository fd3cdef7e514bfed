import { copyFileSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PG_MIGRATE_LOCK_ID } from 'node-pg-migrate';
import type { Pool } from 'pg';
import { migrate, SchemaTooNewError } from '../../src/db/migrate.js';
import { migrationsFolder } from '../../src/db/migration-files.js';
import { createPool, type PostgresConfig } from '../../src/db/pool.js';
import { differences, rowsOf, schemaOf, type Row } from '../migrations/compare.js';
import { databaseOf010, using } from '../migrations/kept.js';
import { dropDatabase, emptyDatabase, freshDatabase } from '../support/database.js';
import { until } from '../support/until.js';

const files = readdirSync(migrationsFolder()).sort();
const later = files.filter((file) => file > '0021_zzz');
const names = (list: readonly string[]) => list.map((file) => file.replace('.sql', ''));

/** A folder with some of the migrations, and optionally another one. */
function folderOf(some: readonly string[], own?: { name: string; sql: string }): string {
  const folder = mkdtempSync(join(tmpdir(), 'migrations-'));
  for (const file of some) copyFileSync(join(migrationsFolder(), file), join(folder, file));
  if (own !== undefined) writeFileSync(join(folder, own.name), own.sql);
  return folder;
}

async function oneByOne(config: PostgresConfig, pool: Pool): Promise<void> {
  let before = await rowsOf(pool);
  for (const file of later) {
    const folder = folderOf(files.filter((other) => other <= file));
    try {
      expect(await migrate(config, undefined, folder)).toEqual(names([file]));
    } finally {
      rmSync(folder, { recursive: true });
    }
    const after = await rowsOf(pool);
    expect({ file, lost: [...before.keys()].filter((key) => !after.has(key)) }).toEqual({ file, lost: [] });
    before = after;
  }
}

describe.each([
  ['one migration after the other', oneByOne],
  ['all migrations at once', async (config: PostgresConfig) => expect(await migrate(config)).toEqual(names(later))],
] as const)('a database of 0.1.0, by %s,', (_how, upgrade) => {
  let config: PostgresConfig;
  let pool: Pool;
  let before: Map<string, Row>;
  beforeAll(async () => {
    config = await databaseOf010();
    pool = createPool(config);
    before = await rowsOf(pool);
    await upgrade(config, pool);
  });
  afterAll(async () => {
    await pool.end();
    await dropDatabase(config.POSTGRES_DB);
  });

  test('a migration keeps every row and value except what it is meant to change', async () => {
    expect(differences(before, await rowsOf(pool)).sort()).toEqual([
      // Names of nodes that never existed belong to nobody.
      ...['approved-unsigned', 'drains', 'mixed', 'offline', 'pending', 'retired', 'serves'].flatMap((id) => [
        ...(['drains', 'mixed', 'offline', 'serves'].includes(id) ? [`providers ${id} allocatable`] : []),
        ...(['approved-unsigned', 'pending', 'retired'].includes(id) ? [`providers ${id} node_name`] : []),
        // Offers get memory and CUDA.
        `providers ${id} offer`,
      ]),
    ]);
  });

  test('a migrated database has the same schema as a new one', async () => {
    const fresh = await freshDatabase();
    try {
      expect(await schemaOf(pool)).toEqual(await schemaOf(fresh.pool));
    } finally {
      await fresh.close();
    }
  });
});

describe('migrating', () => {
  test('of several concurrent processes one migrates, and the others find nothing to do', async () => {
    for (const [make, todo] of [
      [databaseOf010, later],
      [emptyDatabase, files],
    ] as const) {
      await using(make, async (config) => {
        const ran = await Promise.all([1, 2, 3].map(() => migrate(config)));
        expect(ran.sort((a, b) => b.length - a.length)).toEqual([names(todo), [], []]);
      });
    }
  });

  test('a database that says nothing of what its newer version needs is rejected untouched, and the unknown migrations are named', async () => {
    await using(databaseOf010, async (config, pool) => {
      await pool.query(
        `insert into schema_migrations (name, run_on) values ('9998_of_tomorrow', now()), ('9999_too', now())`,
      );
      const before = await schemaOf(pool);
      const refused = migrate(config);
      await expect(refused).rejects.toThrow(SchemaTooNewError);
      await expect(refused).rejects.toThrow(
        /migrations that this version does not know \(9998_of_tomorrow, 9999_too\).*newer version.*Start that version/,
      );
      expect(await schemaOf(pool)).toEqual(before);
    });
  });

  test('the check for unknown migrations waits until nobody else migrates', async () => {
    await using(emptyDatabase, async (config, pool) => {
      await migrate(config);
      const newer = await pool.connect();
      await newer.query('select pg_advisory_lock($1)', [PG_MIGRATE_LOCK_ID]);
      const older = migrate(config);
      older.catch(() => undefined);
      await until(
        async () =>
          (
            await newer.query(
              `select from pg_stat_activity
                where datname = current_database() and pid <> pg_backend_pid() and query like '%try_advisory_lock%'`,
            )
          ).rowCount === 1,
      );
      await newer.query(`insert into schema_migrations (name, run_on) values ('9999_of_tomorrow', now())`);
      await newer.query(`update schema_floor set migration = '9999_of_tomorrow'`);
      newer.release(true);
      await expect(older).rejects.toThrow(SchemaTooNewError);
    });
  });

  test('a failing migration undoes its whole transaction, and the next run continues once it is repaired', async () => {
    await using(databaseOf010, async (config, pool) => {
      const [schema, rows] = [await schemaOf(pool), await rowsOf(pool)];
      // Before the first one that runs outside a transaction.
      const broken = folderOf(files, {
        name: '0060_zzz_broken.sql',
        sql: 'alter table jobs add column x int; select 1/0;',
      });
      try {
        await expect(migrate(config, undefined, broken)).rejects.toThrow(/division by zero/);
      } finally {
        rmSync(broken, { recursive: true });
      }
      expect(await schemaOf(pool)).toEqual(schema);
      expect(differences(rows, await rowsOf(pool))).toEqual([]);
      expect(await migrate(config)).toEqual(names(later));
    });
  });

  test('a migration gives way to a transaction that takes long, changes nothing, and is tried again', async () => {
    await using(databaseOf010, async (config, pool) => {
      const schema = await schemaOf(pool);
      const busy = await pool.connect();
      await busy.query('begin; select from auth_charges');
      await expect(migrate(config)).rejects.toMatchObject({ code: 'dependency_unavailable' });
      await busy.query('rollback');
      busy.release();
      expect(await schemaOf(pool)).toEqual(schema);
      expect(await migrate(config)).toEqual(names(later));
    });
  });

  test('an index is built while orders are written, and a process that comes meanwhile waits without being waited for', async () => {
    await using(emptyDatabase, async (config, pool) => {
      await migrate(config);
      await pool.query(`delete from schema_migrations where name like '0061%'; drop index auth_charges_open`);
      const busy = await pool.connect();
      await busy.query('begin; insert into ledger_comparisons (invariant, tried_at) values (1, now())');
      await busy.query('lock table auth_charges in row exclusive mode');
      const both = [migrate(config), migrate(config)];
      const building = `select from pg_stat_activity where datname = current_database() and query like 'create index%'`;
      await until(async () => (await pool.query(building)).rowCount === 1);
      // Others write, too, and do not wait for the index that waits for the one before.
      await pool.query('begin; lock table auth_charges in row exclusive mode nowait; commit');
      await busy.query('rollback');
      busy.release();
      expect((await Promise.all(both)).map((ran) => ran.length).sort()).toEqual([0, 1]);
    });
  });

  test('an index that was not built to its end is built anew', async () => {
    await using(emptyDatabase, async (config, pool) => {
      await migrate(config);
      const invalid = async () => (await pool.query('select from pg_index where not indisvalid')).rowCount;
      const broken = `update pg_index set indisvalid = false where indexrelid = 'auth_charges_open'::regclass`;
      await pool.query(`delete from schema_migrations where name like '0061%'; ${broken}`);
      expect(await invalid()).toBe(1);
      expect(await migrate(config)).toEqual(['0061_indexes_of_charges']);
      expect(await invalid()).toBe(0);
    });
  });
});
