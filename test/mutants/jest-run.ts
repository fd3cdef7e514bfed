import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../engines/paths.js';

/** How a test file ended. */
export interface FileResult {
  file: string;
  green: boolean;
  /** The test that failed first, or why the file did not run. */
  failed?: string;
  seconds: number;
}

export interface JestRun {
  results: FileResult[];
  /** This process ended it, because a file took too long. */
  timedOut: boolean;
  output: string;
}

interface Options {
  files: readonly string[];
  env: NodeJS.ProcessEnv;
  /** The longest that a file may take before the run ends. */
  allowedMs(file: string): number;
  bail: boolean;
  /** All files in jest's own process, which starts sooner; not for files that load the native part of the Temporal SDK. */
  inBand?: boolean;
  /** Prepares the folder of the run for the tests. */
  prepare?: (folder: string) => Promise<void>;
}

const checkEveryMs = 250;

/** Runs jest on these files in this order, in a separate process, with a temporary folder. */
export async function runJest({ files, env, allowedMs, bail, inBand = false, prepare }: Options): Promise<JestRun> {
  const parent = join(packageRoot, '.data/mutants/runs');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'run-'));
  // Tests make their own folders in it, and some of them start programs under another account.
  chmodSync(folder, 0o755);
  await prepare?.(folder);
  const results = join(folder, 'results');
  const paths = files.map((file) => join(packageRoot, file));
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      '--experimental-vm-modules',
      join(packageRoot, 'node_modules/jest/bin/jest.js'),
      ...['--config', join(packageRoot, 'test/mutants/jest.config.js'), `--bail=${bail ? 1 : 0}`],
      ...(inBand ? ['--runInBand', '--runner=jest-runner'] : []),
      ...['--runTestsByPath', ...paths],
    ],
    {
      cwd: packageRoot,
      // A separate process group, so that a mutant that never returns ends together with the processes of its tests.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...env,
        BROKER_TEST_RUN_FOLDER: folder,
        BROKER_MUTANTS_RESULTS: results,
        BROKER_MUTANTS_ORDER: paths.join('\n'),
        TMPDIR: folder,
      },
    },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => (output = (output + text).slice(-20_000)));
  const end = () => {
    try {
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // All of them have ended.
    }
  };
  process.once('exit', end);

  let timedOut = false;
  let done = 0;
  let sinceMs = Date.now();
  const clock = setInterval(() => {
    const ended = resultsIn(results);
    // Jest itself goes on until the files under way have ended.
    if (bail && ended.some(({ green }) => !green)) return end();
    if (ended.length > done) [done, sinceMs] = [ended.length, Date.now()];
    const next = files[done];
    if (next === undefined || Date.now() - sinceMs < allowedMs(next)) return;
    timedOut = true;
    end();
  }, checkEveryMs);
  try {
    await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject));
    return { results: resultsIn(results), timedOut, output };
  } finally {
    clearInterval(clock);
    process.off('exit', end);
    end();
    rmSync(folder, { recursive: true, force: true });
  }
}

function resultsIn(path: string): FileResult[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as FileResult)
    .map((result) => ({ ...result, file: result.file.slice(packageRoot.length + 1) }));
}

export function writeJson(path: string, value: unknown): void {
  writeFileSync(path, JSON.stringify(value, undefined, 1));
}
