import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { withLock } from '../../engines/lock.js';
import type { Log } from '../../engines/log.js';
import { cacheRoot, packageRoot } from '../../engines/paths.js';

const version = '4.32.5';
/** The Python that this version requires. */
const oldestPython = [3, 11] as const;

/** The path of a new enough Python; undefined if there is none. */
export async function findPython(): Promise<string | undefined> {
  for (const name of ['python3', 'python']) {
    const found = await run(name, ['-c', 'import sys, venv; print(*sys.version_info[:2], sys.executable)']);
    const [major, minor, path] = found?.trim().split(' ') ?? [];
    if (Number(major) === oldestPython[0] && Number(minor) >= oldestPython[1]) return path;
  }
  return undefined;
}

export const needsPython = `schemathesis ${version} needs Python ${oldestPython.join('.')} or later, with venv`;

/** Installs schemathesis once, beside the other tools. @returns its path. */
export async function installSchemathesis(python: string, log: Log): Promise<string> {
  const folder = join(cacheRoot(), 'schemathesis', version);
  const complete = join(folder, 'complete');
  mkdirSync(cacheRoot(), { recursive: true });
  await withLock(`${join(cacheRoot(), 'schemathesis')}.lock`, 'installing schemathesis', log, async () => {
    if (existsSync(complete)) return;
    log(`installing schemathesis ${version}`);
    rmSync(folder, { recursive: true, force: true });
    await promisify(execFile)(python, ['-m', 'venv', folder]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `schemathesis==${version}`];
    await promisify(execFile)(join(folder, 'bin/python'), pip);
    writeFileSync(complete, '');
  });
  return join(folder, 'bin/schemathesis');
}

/** Runs it to its end, with its output on ours. @returns its exit code: 0 if it found nothing. */
export async function runSchemathesis(program: string, args: readonly string[]): Promise<number> {
  // Its cache of earlier failures belongs to the run, not to the current folder.
  const env = { ...process.env, NO_COLOR: '1', SCHEMATHESIS_HOOKS: join(packageRoot, 'test/fuzz/hooks.py') };
  const child = spawn(program, args, { stdio: 'inherit', cwd: cacheRoot(), env });
  return await new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code, signal) => {
      if (code === null) reject(new Error(`schemathesis was ended by ${signal}`));
      else resolve(code);
    });
  });
}

async function run(program: string, args: readonly string[]): Promise<string | undefined> {
  try {
    return (await promisify(execFile)(program, args)).stdout;
  } catch {
    return undefined;
  }
}
