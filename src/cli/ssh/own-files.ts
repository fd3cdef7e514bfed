import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { SshFolder } from '../files/folder.js';
import { makePrivateFolder, writeWhole } from '../files/private-file.js';
import { hostAliases, sshTargetOf, type SshJob } from '../../words/ssh-target.js';
import { hostSection, knownHostsOf, sshOptions } from './host-entry.js';
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
