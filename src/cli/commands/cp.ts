import type { Context } from '../context.js';
import { usage, type ExitCode } from '../failure.js';
import { jobMeant } from '../job-words.js';
import { runSystem, sshArguments } from '../ssh/log-in.js';
import { shellWord } from '../ssh/shell-word.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';

interface Flags {
  recursive?: boolean;
  identity?: string;
  rsync?: boolean;
  print?: boolean;
}

const onJob = /^([A-Za-z0-9][A-Za-z0-9_.-]*):(.*)$/s;

export async function run(context: Context, [from, to]: Args, flags: Flags): Promise<ExitCode> {
  const sides = [from as string, to as string];
  const remote = sides.map((side) => onJob.exec(side));
  const at = remote.findIndex((side) => side !== null);
  if (at === -1 || remote.every((side) => side !== null)) {
    throw usage('one of the two must be JOB:path, and the other a file here', 'wl cp model.pt train:/root/');
  }
  const [, word, path] = remote[at]!;
  if (/[\r\n\0]/.test(path!)) throw usage(`${clean(path!)} is no path`);
  const { job, active } = await jobMeant(await context.client(), word!);
  const { target, args } = await sshArguments(context, job, active, flags.identity);
  const far = `${target.hostKeyAlias}:${path === '' ? '.' : path}`;
  // A name here that begins with a dash, or holds a colon, must not be read as something else.
  const near = /^[/.]/.test(sides[1 - at]!) ? sides[1 - at]! : `./${sides[1 - at]!}`;
  const files = at === 0 ? [far, near] : [near, far];
  if (flags.rsync === true) {
    const shell = ['ssh', ...args].map(shellWord).join(' ');
    const options = [flags.recursive === true ? '-a' : '-t', '--partial', '-e', shell];
    return await runSystem(context, 'rsync', [...options, '--', ...files], flags.print === true);
  }
  const options = [...args, ...(flags.recursive === true ? ['-r'] : []), '--'];
  return await runSystem(context, 'scp', [...options, ...files], flags.print === true);
}
