import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Finished {
  /** Undefined when it was ended by a signal or took too long. */
  code: number | undefined;
  stdout: string;
  stderr: string;
}

/** More than any program that is run here prints. */
const maxOutput = 1_000_000;

/**
 * What of this process's environment goes to the programs it runs: where things are found and how the network is
 * reached, and none of the secrets it was started with.
 */
const passedOn = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'LD_LIBRARY_PATH'].concat(
  ['http_proxy', 'https_proxy', 'no_proxy'].flatMap((name) => [name, name.toUpperCase()]),
);

export interface ProgramOptions {
  /** It is killed then, and not waited for: in the hands of a driver that hangs, a program cannot even be killed. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Is given what it prints, line by line, from both of its outputs. */
  onLine?: (line: string) => void;
  /** It is gone for certain. */
  onExit?: () => void;
}

/**
 * Runs a program to its end, as it is named and with the words it is given: no shell reads them.
 *
 * @returns undefined when there is no such program.
 * @throws the reason of `signal`, which ends the program.
 */
export async function runProgram(
  name: string,
  args: readonly string[],
  { timeoutMs, signal, onLine, onExit }: ProgramOptions = {},
): Promise<Finished | undefined> {
  const env = Object.fromEntries(
    passedOn.flatMap((key) => (process.env[key] === undefined ? [] : [[key, process.env[key]]])),
  );
  const child = spawn(name, args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(signal === undefined ? {} : { signal, killSignal: 'SIGKILL' }),
  });
  const output = { stdout: '', stderr: '' };
  for (const channel of ['stdout', 'stderr'] as const) {
    let unfinished = '';
    child[channel].setEncoding('utf8').on('data', (text: string) => {
      output[channel] = (output[channel] + text).slice(-maxOutput);
      const lines = (unfinished + text).split('\n');
      unfinished = lines.pop()!.slice(-maxOutput);
      for (const line of lines) onLine?.(line);
    });
    child[channel].on('end', () => {
      if (unfinished !== '') onLine?.(unfinished);
    });
  }
  child.once('exit', () => onExit?.());
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      child.once('close', (code) => resolve({ code: code ?? undefined, ...output }));
      child.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') return reject(error);
        onExit?.();
        resolve(undefined);
      });
      if (timeoutMs === undefined) return;
      timer = setTimeout(() => {
        child.kill('SIGKILL');
        child.stdout.destroy();
        child.stderr.destroy();
        child.unref();
        resolve({ code: undefined, ...output });
      }, timeoutMs);
    });
  } finally {
    clearTimeout(timer);
  }
}

/** Whether a program stands in PATH and may be run. */
export function isInstalled(name: string): boolean {
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .some((folder) => {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
