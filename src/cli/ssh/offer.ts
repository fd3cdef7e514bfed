import { spawnSync } from 'node:child_process';
import type { Job } from '../../client/shapes.js';
import type { Context } from '../context.js';
import { jobLabel } from '../../words/job-label.js';
import { confirm } from '../terminal/ask.js';
import { addInclude } from './include.js';
import { writeSshFiles } from './own-files.js';
import { isIncluded } from './refresh.js';

/** After the first job: asks once whether `ssh wl-NAME` is to work, and remembers the answer. */
export async function offerSshConfig(context: Context, job: Job): Promise<void> {
  const { screen, settings, config } = context;
  if (settings.ssh_config !== undefined || !screen.canAsk || !hasSsh() || isIncluded(context)) return;
  const question = `  Make "ssh wl-${jobLabel(job)}" work, by two lines at the top of ~/.ssh/config?`;
  const isWanted = await confirm(question, true);
  config.change({ ssh_config: isWanted ? 'yes' : 'no' });
  if (!isWanted) return screen.note('  Not asked again; wl ssh-config does it any time.');
  try {
    await writeSshFiles(context.ssh, []);
    await addInclude(context.ssh);
  } catch (error) {
    // The job runs; this is only a convenience.
    screen.warn(`  ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function hasSsh(): boolean {
  return spawnSync('ssh', ['-V'], { stdio: 'ignore' }).error === undefined;
}
