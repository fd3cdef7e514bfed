import { existsSync } from 'node:fs';
import type { Job } from '../../client/shapes.js';
import type { Context } from '../context.js';
import { identityOf } from '../public-keys.js';
import { includeState } from './include.js';
import { readJobKeys } from './job-keys.js';
import { ownSshFiles, writeSshFiles, type SshEntry } from './own-files.js';

/** What is needed to log in to each of the jobs that run. */
export function sshEntries(context: Context, active: readonly Job[]): SshEntry[] {
  const keys = readJobKeys(context.folder);
  const usual = identityOf(context.settings.key);
  return active
    .filter(({ status }) => status === 'running')
    .map((job) => ({ job, identity: keys[job.job_id] ?? usual }));
}

/**
 * After a command has read the jobs: rewrites our SSH files, if there are any. It is a service beside the command, so it
 * only warns when it cannot.
 */
export async function refreshSsh(context: Context, active: readonly Job[]): Promise<void> {
  if (!existsSync(ownSshFiles(context.ssh).config)) return;
  try {
    await writeSshFiles(context.ssh, sshEntries(context, active));
  } catch (error) {
    context.screen.note(
      `the SSH files of wl were not renewed: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

/** Whether `ssh wl-NAME` works: the user's configuration includes ours. */
export function isIncluded(context: Context): boolean {
  try {
    return includeState(context.ssh).isThere;
  } catch {
    return false;
  }
}
