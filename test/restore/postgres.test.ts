import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { startStack, type Stack } from '../../engines/stack.js';
import { story } from '../support/story.js';
import { until } from '../support/until.js';
import { archivedPostgres, ask, type PostgresBackups } from './postgres-backup.js';

let stack: Stack;
let url: string;
let backups: PostgresBackups;
beforeAll(async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'broker-restore-'));
  // The account that Postgres runs under reaches its folder below, so that nothing is left elsewhere.
  chmodSync(dataDir, 0o711);
  stack = await startStack({ dataDir, isTemporary: true, engines: ['postgres'] });
  url = stack.endpoints().postgres!;
  backups = await archivedPostgres(stack, url);
}, 120_000);
afterAll(() => stack?.stop());

const write = (text: string) => ask(url, 'insert into notes values ($1)', [text]);
const notes = async () =>
  (await ask<{ text: string }>(url, 'select text from notes order by number')).map(({ text }) => text);
const now = async () => (await ask<{ now: Date }>(url, 'select clock_timestamp() as now'))[0]!.now;

/** Until all that was written so far is in the archive. */
async function archived(): Promise<void> {
  const [{ file }] = (await ask<{ file: string }>(url, 'select pg_walfile_name(pg_switch_wal()) as file')) as [
    { file: string },
  ];
  const isThere = async () =>
    (await ask(url, 'select from pg_stat_archiver where last_archived_wal >= $1', [file])).length > 0;
  await until(isThere, { timeoutMs: 60_000, name: `${file} is in the archive` });
}

const chapter = story('a server of Postgres comes back from its base backup and its log', 300_000);
let time: Date;

chapter('a backup is taken, and much is written after it', async () => {
  await ask(url, 'create table notes (text text, number int generated always as identity)');
  await write('before the backup');
  await backups.take();
  await write('soon after');
  // Between two commits, whatever a clock's ticks are.
  const written = await now();
  time = await until(
    async () => {
      const later = await now();
      return later.getTime() > written.getTime() + 10 ? new Date(later.getTime() - 5) : undefined;
    },
    { name: 'time goes on' },
  );
  await write('later');
  await archived();
  // A server that is stopped in order would archive the rest.
  await ask(url, "alter system set archive_command = 'false'");
  await ask(url, 'select pg_reload_conf()');
  await write('not archived yet');
});

chapter('it comes back to the last moment, with what was in no archive', async () => {
  await backups.restore('the last moment');
  expect(await notes()).toEqual(['before the backup', 'soon after', 'later', 'not archived yet']);
});

chapter('it comes back to a time', async () => {
  await backups.restore({ time });
  expect(await notes()).toEqual(['before the backup', 'soon after']);
});

chapter('it comes back to the backup', async () => {
  await backups.restore('the backup');
  expect(await notes()).toEqual(['before the backup']);
});

chapter('whoever then wants a later moment after all gets it from the log that goes on from the backup', async () => {
  await backups.restore({ time }, 'current');
  expect(await notes()).toEqual(['before the backup', 'soon after']);
});

chapter('the next backup is as good as the first', async () => {
  await backups.forgetRestore();
  await write('after the restore');
  await backups.take();
  await write('after the next backup');
  await backups.restore('the last moment');
  expect(await notes()).toEqual(['before the backup', 'soon after', 'after the restore', 'after the next backup']);
  const set = await ask<{ name: string }>(
    url,
    `select distinct name from pg_file_settings where name like 'recovery%'`,
  );
  expect(set).toEqual([]);
});
