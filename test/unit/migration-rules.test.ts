import { describe, expect, test } from '@jest/globals';
import {
  migrationNames,
  migrationsFolder,
  raisesFloor,
  readMigration,
  statementsOf,
} from '../../src/db/migration-files.js';
import { applicationName } from '../../src/db/schema-floor.js';
import { migrationFaults, tablesMadeBy } from '../support/migration-rules.js';

/** The first one since the last release: tables that come from here on are empty where it is installed. */
const firstHeld = '0057';
const held = migrationNames(migrationsFolder()).filter((name) => name >= firstHeld);
const textOf = (name: string) => readMigration(migrationsFolder(), name);

describe('a migration', () => {
  test.each(held)('%s keeps nobody waiting for long', (name) => {
    const empty = held.filter((other) => other < name).flatMap((other) => tablesMadeBy(textOf(other)));
    expect(migrationFaults(textOf(name), empty)).toEqual([]);
  });

  test.each([
    'create index jobs_by_x on jobs (x);',
    'create unique index on jobs (x);',
    'alter table jobs add column x int check (x > 0);',
    'alter table jobs\n  add column x int,\n  add column y uuid references providers;',
    'alter table jobs add constraint x check (x > 0);',
    'alter table jobs add constraint x foreign key (x) references y;',
    'alter table jobs add constraint x unique (x);',
    'alter table jobs add column x uuid default gen_random_uuid();',
    'alter table jobs add column x int generated always as (y + 1) stored;',
    'alter table jobs alter column x set not null;',
    'alter table jobs alter column x type bigint;',
    'alter table jobs validate constraint x;',
    'update jobs set x = 1;',
    'delete from jobs where x = 1;',
    '-- outside a transaction\ncreate index concurrently jobs_by_x on jobs (x);',
    '-- outside a transaction\nalter table jobs add column x int;',
  ])('%j is refused, with the reason', (text) => {
    expect(migrationFaults(text)).toEqual([expect.stringMatching(/: \S/)]);
  });

  test.each([
    'create table x (y int check (y > 0) references jobs); create index x_by_y on x (y); insert into x values (1);',
    'alter table jobs add column x int, add column y text default 0;',
    'alter table jobs add constraint x check (x > 0) not valid;',
    'alter table providers add column x int generated always as (y + 1) stored;',
    `create function f() returns trigger language plpgsql as $$ begin update jobs set x = 1; return new; end $$;`,
    '-- create index jobs_by_x on jobs (x);',
    '-- outside a transaction\ncreate index concurrently if not exists jobs_by_x on jobs (x);\nalter table jobs validate constraint x;',
  ])('%j is taken', (text) => {
    expect(migrationFaults(text)).toEqual([]);
  });
});

test('a migration that older builds cannot live with names itself as what a build has to know', () => {
  for (const name of migrationNames(migrationsFolder()).filter((each) => raisesFloor(textOf(each))))
    expect(textOf(name)).toContain(`update schema_floor set migration = '${name}';`);
  expect(raisesFloor(`alter table jobs drop column x;\nupdate schema_floor set migration = '0200_x';`)).toBe(true);
  expect(raisesFloor(`-- update schema_floor set migration = '0200_x';\nselect 1;`)).toBe(false);
});

test('the names of connections sort as the builds that they are of', () => {
  const names = [undefined, '0098_schema_floor', '0099_next', '0110_later'].map((last) => applicationName(last));
  expect(names.slice(1)).toEqual(['worldland-broker 0098', 'worldland-broker 0099', 'worldland-broker 0110']);
  expect(names.slice(1).sort()).toEqual(names.slice(1));
  expect('worldland-broker' < names[1]!).toBe(true);
  // Of this build itself.
  expect(names[0]).toMatch(/^worldland-broker \d{4}$/);
});

test('statements are told apart whatever is in their texts, comments and functions', () => {
  expect(
    statementsOf(`-- a; b\nselect ';--'; select 'it''s;' -- c;\n  as x;\ncreate function f() as $$ begin; end; $$;\n`),
  ).toEqual([`select ';--'`, `select 'it''s;' \n  as x`, 'create function f() as $$ begin; end; $$']);
});
