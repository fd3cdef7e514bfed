import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { Job } from '../../client/shapes.js';
import type { Context } from '../context.js';
import { exitCodes, Failure, type ExitCode } from '../failure.js';
import { jobLabel } from '../../words/job-label.js';
import { jobState } from '../../words/states.js';
import { hostAliases, sshTargetOf, type SshTarget } from '../../words/ssh-target.js';
import { sshOptions } from './host-entry.js';
import { ownSshFiles, writeSshFiles } from './own-files.js';
import { sshEntries } from './refresh.js';
import { shellWord } from './shell-word.js';

/** As in ssh-server/observer.go. */
const useSubsystem = 'worldland-use';

export interface Login {
  command: readonly string[];
  forwards?: readonly string[];
  identity?: string | undefined;
  isPrinted?: boolean;
}

/** Logs in by the system's ssh; answers its exit code. */
export async function logIn(context: Context, job: Job, active: readonly Job[], login: Login): Promise<ExitCode> {
  const { target, args } = await sshArguments(context, job, active, login.identity);
  const forwards = (login.forwards ?? []).flatMap((forward) => ['-L', forward]);
  const alias = hostAliases([...active.filter(({ job_id }) => job_id !== job.job_id), job]).get(target.jobId)![0]!;
  return await runSystem(
    context,
    'ssh',
    [...args, ...forwards, '--', alias, ...login.command],
    login.isPrinted === true,
  );
}

/** The arguments of ssh that ask what a job uses, instead of a login. */
export async function sshQuestion(
  context: Context,
  job: Job,
  active: readonly Job[],
  identity: string | undefined,
): Promise<string[]> {
  const { target, args } = await sshArguments(context, job, active, identity);
  return [...args, '-T', '-s', '--', target.hostKeyAlias, useSubsystem];
}

/** The options that verify the machine, as they stand in the file; a user's own configuration does not change them. */
export async function sshArguments(
  context: Context,
  job: Job,
  active: readonly Job[],
  identity: string | undefined,
): Promise<{ target: SshTarget; args: string[] }> {
  const target = requireTarget(job);
  const running = active.some(({ job_id }) => job_id === job.job_id) ? active : [...active, job];
  const entries = sshEntries(context, running);
  await writeSshFiles(context.ssh, entries);
  const own = identity ?? entries.find((entry) => entry.job.job_id === job.job_id)?.identity;
  const options = sshOptions(target, { knownHosts: ownSshFiles(context.ssh).knownHostsWritten, identity: own });
  return { target, args: options.flatMap(([name, value]) => ['-o', `${name}=${value}`]) };
}

function requireTarget(job: Job): SshTarget {
  const name = jobLabel(job);
  if (job.status !== 'running') {
    const { word } = jobState(job.status);
    throw new Failure(exitCodes.notRunning, `${name} is ${word}: nothing to log in to`, `wl show ${name}`);
  }
  const target = sshTargetOf(job);
  if (target !== undefined) return target;
  const line = `the broker does not say how to reach ${name}, or not with which key it is verified`;
  throw new Failure(exitCodes.unreachable, line, `wl show ${name} --json`);
}

/** Runs a program of the system in this terminal; its exit code is ours. */
export async function runSystem(
  context: Context,
  program: string,
  args: readonly string[],
  isPrinted: boolean,
): Promise<ExitCode> {
  if (isPrinted) {
    context.screen.print([program, ...args.map(shellWord)].join(' '));
    return exitCodes.done;
  }
  // The terminal sends Ctrl-C to both; it is the program's.
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  try {
    return await new Promise<ExitCode>((resolve, reject) => {
      const child = spawn(program, args, { stdio: 'inherit' });
      child.once('error', () => reject(new Failure(exitCodes.bug, `${program} is not installed`, 'install OpenSSH')));
      child.once('exit', (code, signal) => {
        const died = signal === null ? 1 : 128 + (constants.signals[signal] ?? 0);
        resolve((code ?? died) as ExitCode);
      });
    });
  } finally {
    process.off('SIGINT', ignore);
  }
}
