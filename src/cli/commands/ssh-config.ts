import type { Context } from '../context.js';
import { exitCodes, Failure, usage } from '../failure.js';
import { activeJobs } from '../job-words.js';
import { addInclude, includeLines, includeState, removeInclude } from '../ssh/include.js';
import { hasSsh } from '../ssh/offer.js';
import { removeSshFiles, sshTexts, writeSshFiles } from '../ssh/own-files.js';
import { sshEntries } from '../ssh/refresh.js';
import { confirm } from '../terminal/ask.js';
import type { Args } from '../tree/command.js';

interface Flags {
  print?: boolean;
  remove?: boolean;
  yes?: boolean;
}

export async function run(context: Context, _args: Args, flags: Flags): Promise<void> {
  const { screen, config, ssh } = context;
  if (flags.print === true) return await printAll(context);
  if (flags.remove === true) {
    const wasThere = await removeInclude(ssh);
    removeSshFiles(ssh);
    config.change({ ssh_config: 'no' });
    return screen.note(
      wasThere ? 'The two lines are out again, and the files of wl with them.' : 'There was nothing to remove.',
    );
  }
  if (!hasSsh()) throw new Failure(exitCodes.usage, 'ssh is not installed', 'install OpenSSH first');
  const { path, isThere } = includeState(ssh);
  if (!isThere && flags.yes !== true) {
    if (!screen.canAsk)
      throw usage(`this puts two lines at the top of ${path}`, 'if that is meant: wl ssh-config --yes');
    screen.note(
      includeLines(ssh)
        .map((line) => `  ${line}`)
        .join('\n'),
    );
    if (!(await confirm(`Put these two lines at the top of ${path}?`, true))) {
      config.change({ ssh_config: 'no' });
      throw new Failure(exitCodes.interrupted, 'nothing was changed', 'wl ssh JOB works without them');
    }
  }
  await writeSshFiles(ssh, await entriesOrNone(context));
  await addInclude(ssh);
  config.change({ ssh_config: 'yes' });
  screen.note('ssh wl-NAME works for all that runs; wl ssh-config --remove takes it out again.');
}

/** Without a login there are no jobs to write down yet. */
async function entriesOrNone(context: Context) {
  try {
    return sshEntries(context, await activeJobs(await context.client()));
  } catch {
    return [];
  }
}

async function printAll(context: Context): Promise<void> {
  const texts = sshTexts(context.ssh, sshEntries(context, await activeJobs(await context.client())));
  context.screen.print(texts.config.trimEnd());
  for (const line of texts.knownHosts.trimEnd().split('\n')) context.screen.print(`# known_hosts: ${line}`);
}
