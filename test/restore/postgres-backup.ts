import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { Stack } from '../../engines/stack.js';
import { until } from '../support/until.js';

/** A moment that a server is put back to; by its log to the last moment before it was stopped. */
export type Moment = 'the backup' | 'the last moment' | { time: Date };

/** A backup of the server's files, and the log that the server has archived since: what docs/operate.md has an operator do. */
export interface PostgresBackups {
  /** Takes a base backup, in place of the one before. */
  take(): Promise<void>;
  /**
   * Puts the server back, while no broker runs.
   *
   * @param timeline `current` for the log as it went on after the backup, whatever was restored from it since.
   */
  restore(to: Moment, timeline?: 'latest' | 'current'): Promise<void>;
  /** Takes back what `restore` has set. */
  forgetRestore(): Promise<void>;
}

const restoreSettings = [
  'restore_command',
  'recovery_target',
  'recovery_target_time',
  'recovery_target_action',
  'recovery_target_timeline',
];

/** Has the server archive its log. It needs no client program of Postgres. */
export async function archivedPostgres(stack: Stack, url: string): Promise<PostgresBackups> {
  const folder = (await ask<{ data_directory: string }>(url, 'show data_directory'))[0]!.data_directory;
  const { uid, gid } = statSync(folder);
  const [archive, backup, lost] = ['archive', 'backup', 'lost'].map((name) => `${folder}.${name}`) as [
    string,
    string,
    string,
  ];
  const give = (file: string, text: string) => {
    writeFileSync(file, text);
    chownSync(file, uid, gid);
  };
  mkdirSync(archive, { mode: 0o700 });
  chownSync(archive, uid, gid);
  await ask(url, "alter system set archive_mode = 'on'");
  await ask(url, `alter system set archive_command = 'cp %p ${archive}/%f'`);
  await ask(url, "alter system set archive_timeout = '60'");
  await stack.restart('postgres');

  return {
    async take() {
      rmSync(backup, { recursive: true, force: true });
      const client = new pg.Client(url);
      await client.connect();
      try {
        await client.query("select pg_backup_start('nightly', fast => true)");
        copyWhileUsed(folder, backup);
        const { rows } = await client.query<{ labelfile: string }>(
          'select labelfile from pg_backup_stop(wait_for_archive => true)',
        );
        give(join(backup, 'backup_label'), rows[0]!.labelfile);
        rmSync(join(backup, 'postmaster.pid'), { force: true });
        emptyLog(backup);
      } finally {
        await client.end();
      }
    },

    async restore(to, timeline = 'latest') {
      await stack.halt('postgres');
      rmSync(lost, { recursive: true, force: true });
      renameSync(folder, lost);
      execFileSync('cp', ['-a', backup, folder]);
      // The end of the log, which the server had not archived yet.
      if (to !== 'the backup')
        for (const file of readdirSync(join(lost, 'pg_wal')).filter((name) => /^[0-9A-F]{24}$/.test(name)))
          execFileSync('cp', ['-a', join(lost, 'pg_wal', file), join(folder, 'pg_wal', file)]);
      const target =
        to === 'the last moment'
          ? []
          : [
              to === 'the backup' ? "recovery_target = 'immediate'" : `recovery_target_time = '${withOffset(to.time)}'`,
              "recovery_target_action = 'promote'",
            ];
      const settings = [
        `restore_command = 'cp ${archive}/%f %p'`,
        ...target,
        ...(timeline === 'latest' ? [] : [`recovery_target_timeline = '${timeline}'`]),
      ];
      appendFileSync(join(folder, 'postgresql.auto.conf'), `${settings.join('\n')}\n`);
      give(join(folder, 'recovery.signal'), '');
      await stack.resume('postgres');
      const recovers = async () => (await ask<{ is: boolean }>(url, 'select pg_is_in_recovery() as is'))[0]!.is;
      await until(async () => !(await recovers()), { timeoutMs: 60_000, name: 'Postgres has recovered' });
    },

    async forgetRestore() {
      for (const name of restoreSettings) await ask(url, `alter system reset ${name}`);
    },
  };
}

/** The server reads its settings before it knows of names of time zones, `Z` included. */
const withOffset = (time: Date) => time.toISOString().replace('T', ' ').replace('Z', '+00');

/** Files may vanish meanwhile: the log has what became of them. Nothing else may go wrong. */
function copyWhileUsed(from: string, to: string): void {
  const { stderr, error } = spawnSync('cp', ['-a', from, to], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (error !== undefined) throw error;
  const wrong = stderr.split('\n').filter((line) => line !== '' && !line.endsWith(': No such file or directory'));
  if (wrong.length > 0) throw new Error(`the backup is not complete: ${wrong.join('; ')}`);
}

/** What the log has is in the archive. */
function emptyLog(backup: string): void {
  const log = join(backup, 'pg_wal');
  for (const name of readdirSync(log)) rmSync(join(log, name), { recursive: true });
  if (!existsSync(log)) throw new Error(`${log} is not there: the backup is not complete`);
}

/** Runs one statement on a connection of its own. */
export async function ask<T extends pg.QueryResultRow>(
  url: string,
  text: string,
  values: unknown[] = [],
): Promise<T[]> {
  const client = new pg.Client(url);
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<T>(text, values)).rows;
  } finally {
    await client.end();
  }
}
