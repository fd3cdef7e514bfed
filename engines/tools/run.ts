import { spawn } from 'node:child_process';
import { seconds, type Log } from '../log.js';

export interface RunOptions {
  cwd?: string;
  env?: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
  /** With a log, a long step reports every 15 seconds that it is still running. */
  log?: Log;
  /** The step's name, for the log and for an error. */
  what?: string;
}

/**
 * Runs a command to its end and returns its standard output.
 *
 * @throws Error with its last lines of output if it fails.
 */
export async function run(command: string, args: string[], options: RunOptions = {}): Promise<string> {
  const { log, what = command, ...spawning } = options;
  const began = Date.now();
  const child = spawn(command, args, { ...spawning, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let all = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    all = (all + text).slice(-8_000);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (all = (all + text).slice(-8_000)));
  const ticking =
    log && setInterval(() => log(`  … ${what}: ${Math.round((Date.now() - began) / 1000)} s so far`), 15_000);
  // A signal that stops us stops the step, too; the half-made result is in a temporary place.
  const stop = () => child.kill('SIGTERM');
  process.once('exit', stop);
  try {
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        if (code === 0) resolve();
        else
          reject(
            new Error(
              `${what} failed after ${seconds(Date.now() - began)} (${signal ?? `exit code ${code}`}):\n${tail(all)}`,
            ),
          );
      });
    });
    return stdout;
  } finally {
    clearInterval(ticking);
    process.removeListener('exit', stop);
  }
}

function tail(text: string): string {
  return text.trimEnd().split('\n').slice(-15).join('\n');
}
