import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

export interface Finished {
  /** Undefined when a signal ended the program or it took too long. */
  code: number | undefined;
  stdout: string;
  stderr: string;
}

/** Characters to keep of each output; no program run here prints as many. */
const maxOutput = 1_000_000;

/**
 * The environment variables passed on to programs: search paths, locale and proxies, but none of the secrets that this
 * process was started with.
 */
const passedOn = ['PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'LD_LIBRARY_PATH'].concat(
  ['http_proxy', 'https_proxy', 'no_proxy'].flatMap((name) => [name, name.toUpperCase()]),
);

export interface ProgramOptions {
  /** Then the program is killed but not awaited: a program stuck in a hanging driver cannot even be killed. */
  timeoutMs?: number;
  signal?: AbortSignal;
  /** Called with each line the program prints, on standard output or standard error. */
  onLine?: (line: string) => void;
  /** Called once the program is certainly gone. */
  onExit?: () => void;
}

/**
 * Runs a program to its end without a shell: arguments reach it exactly as given.
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

/** Whether PATH has an executable program of this name. */
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
