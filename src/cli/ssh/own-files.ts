import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { SshFolder } from '../files/folder.js';
import { makePrivateFolder, writeWhole } from '../files/private-file.js';
import { shortIds } from '../short-ids.js';
import { hostSection, isAliasName, knownHostsOf, sshOptions, sshTargetOf, type SshJob } from './host-entry.js';
import { withLock } from './lock.js';

/** Our own files beside the user's SSH configuration. */
export function ownSshFiles(folder: SshFolder) {
  const own = join(folder.path, 'worldland');
  return {
    folder: own,
    config: join(own, 'config'),
    knownHosts: join(own, 'known_hosts'),
    lock: join(own, 'lock'),
    /** As the files name it: with `~` where ssh itself would look. */
    knownHostsWritten: folder.isUsual ? '~/.ssh/worldland/known_hosts' : join(own, 'known_hosts'),
  };
}

export interface SshEntry {
  job: SshJob;
  /** The private key, as a path. */
  identity?: string | undefined;
}

/** The host names of each job: `wl-NAME`, if it is the newest with this name, and `wl-` with the last letters of its id. */
export function hostAliases(jobs: readonly SshJob[]): Map<string, string[]> {
  const short = shortIds(jobs.map(({ job_id }) => job_id));
  const newest = new Map<string, string>();
  for (const { job_id, job_name } of jobs) {
    const other = job_name === undefined ? undefined : newest.get(job_name);
    // Ids rise with the time of the order.
    if (isAliasName(job_name) && (other === undefined || other < job_id)) newest.set(job_name, job_id);
  }
  const ends = new Set(short.values());
  return new Map(
    jobs.map(({ job_id, job_name }) => {
      const isNamed = job_name !== undefined && newest.get(job_name) === job_id && !ends.has(job_name);
      return [job_id, [...(isNamed ? [`wl-${job_name}`] : []), `wl-${short.get(job_id)!.replace(/^-/, '')}`]];
    }),
  );
}

/** The text of both files, for all jobs that run. */
export function sshTexts(folder: SshFolder, entries: readonly SshEntry[]): { config: string; knownHosts: string } {
  const files = ownSshFiles(folder);
  const aliases = hostAliases(entries.map(({ job }) => job));
  const targets = entries.flatMap(({ job, identity }) => {
    const target = sshTargetOf(job);
    return target === undefined ? [] : [{ target, identity }];
  });
  const sections = targets.map(({ target, identity }) =>
    hostSection(aliases.get(target.jobId)!, sshOptions(target, { knownHosts: files.knownHostsWritten, identity })),
  );
  return {
    config: ['# Written by wl: changes do not last.\n', ...sections].join('\n'),
    knownHosts: targets.map(({ target }) => knownHostsOf(target)).join(''),
  };
}

/** Rewrites both files as a whole, so what has ended vanishes. Others may do the same at the same time. */
export async function writeSshFiles(folder: SshFolder, entries: readonly SshEntry[]): Promise<void> {
  const files = ownSshFiles(folder);
  const texts = sshTexts(folder, entries);
  makePrivateFolder(files.folder);
  await withLock(files.lock, () => {
    // The keys come first: a section without its key would be refused by ssh.
    writeWhole(files.knownHosts, Buffer.from(texts.knownHosts), 0o600);
    writeWhole(files.config, Buffer.from(texts.config), 0o600);
  });
}

export function removeSshFiles(folder: SshFolder): void {
  rmSync(ownSshFiles(folder).folder, { recursive: true, force: true });
}
