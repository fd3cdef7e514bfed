import { execFileSync, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import type { Stack } from '../../engines/stack.js';
import { until } from '../support/until.js';

/** A backup of the server's files, and the log that the server has archived since. */
export interface PostgresBackups {
  take(): Promise<void>;
  /**
   * Puts the server back, while no broker runs: to the moment of the backup, or by its log to the last moment before it
   * was stopped.
   */
  restore(to: 'the backup' | 'the last moment'): Promise<void>;
  /** Removes what lies beside the server's folder. */
  remove(): void;
}

/** Without the client programs of Postgres, as docs/operate.md describes it. */
export async function archivedPostgres(stack: Stack, url: string): Promise<PostgresBackups> {
  const folder = (await ask<{ data_directory: string }>(url, 'show data_directory'))[0]!.data_directory;
  const { uid, gid } = statSync(folder);
  const [archive, backup, lost] = ['archive', 'backup', 'lost'].map((name) => `${folder}.${name}`) as [
    string,
    string,
    string,
  ];
  mkdirSync(archive, { mode: 0o700 });
  chownSync(archive, uid, gid);
  await ask(url, "alter system set archive_mode = 'on'");
  await ask(url, `alter system set archive_command = 'cp %p ${archive}/%f'`);
  await stack.restart('postgres');

  return {
    async take() {
      const client = new pg.Client(url);
      await client.connect();
      try {
        await client.query("select pg_backup_start('rehearsal', fast => true)");
        // Files may vanish while they are copied: the log has what became of them.
        spawnSync('cp', ['-a', folder, backup]);
        const { rows } = await client.query<{ labelfile: string }>(
          'select labelfile from pg_backup_stop(wait_for_archive => true)',
        );
        writeFileSync(join(backup, 'backup_label'), rows[0]!.labelfile);
        chownSync(join(backup, 'backup_label'), uid, gid);
        rmSync(join(backup, 'postmaster.pid'), { force: true });
        emptyLog(backup);
      } finally {
        await client.end();
      }
    },

    async restore(to) {
      await stack.halt('postgres');
      rmSync(lost, { recursive: true, force: true });
      renameSync(folder, lost);
      execFileSync('cp', ['-a', backup, folder]);
      // The end of the log, which the server had not archived yet.
      if (to === 'the last moment')
        for (const file of readdirSync(join(lost, 'pg_wal')).filter((name) => /^[0-9A-F]{24}$/.test(name)))
          execFileSync('cp', ['-a', join(lost, 'pg_wal', file), join(folder, 'pg_wal', file)]);
      const settings = [
        `restore_command = 'cp ${archive}/%f %p'`,
        ...(to === 'the backup' ? ["recovery_target = 'immediate'", "recovery_target_action = 'promote'"] : []),
      ];
      writeFileSync(join(folder, 'postgresql.auto.conf'), `${settings.join('\n')}\n`, { flag: 'a' });
      writeFileSync(join(folder, 'recovery.signal'), '');
      chownSync(join(folder, 'recovery.signal'), uid, gid);
      await stack.resume('postgres');
      const recovers = async () => (await ask<{ is: boolean }>(url, 'select pg_is_in_recovery() as is'))[0]!.is;
      await until(async () => !(await recovers()), { timeoutMs: 60_000, name: 'Postgres has recovered' });
    },

    remove() {
      for (const path of [archive, backup, lost]) rmSync(path, { recursive: true, force: true });
    },
  };
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
