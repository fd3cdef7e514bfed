import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { LockHeld, takeLock } from '../../engines/lock.js';
import type { Log } from '../../engines/log.js';
import { guardAgainstOrphans, reapOrphans } from '../../engines/orphans.js';
import { packageRoot } from '../../engines/paths.js';
import { engineNames, startStack, type EngineName, type Stack } from '../../engines/stack.js';
import {
  chainConsoleFolder,
  chainConsoleVariable,
  consoleStackFolder,
  consoleStackVariable,
  startChainConsoleStack,
  startConsoleStack,
} from './console-stack.js';
import { endpointsVariable } from './engines.js';
import { runFolderVariable } from './run-folder.js';

const log: Log = (line) => void process.stderr.write(`  ${line}\n`);

/**
 * Prepares a run of jest: a folder that its test files share and, unless BROKER_TEST_ENDPOINTS names running engines,
 * the engines that the files' folders need. A watchdog ends the engines and removes the folder when this process ends,
 * however it does.
 *
 * @param runs whether a test file, an absolute path, is in the run
 * @returns what ends the run
 */
export async function beginRun(runs: (file: string) => boolean): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'broker-test-'));
  process.env[runFolderVariable] = folder;
  const guard = guardAgainstOrphans(join(folder, 'guard'), [folder]);
  const stacks: Stack[] = [];
  const end = async () => {
    for (const stack of stacks) await stack.stop();
    rmSync(folder, { recursive: true, force: true });
    guard.close();
  };
  try {
    const starts = [ownStack, consoleStack(plainConsole), consoleStack(chainConsole)];
    for (const start of starts) stacks.push(...(await start(runs)));
  } catch (error) {
    await end();
    throw error;
  }
  return end;
}

async function ownStack(runs: (file: string) => boolean): Promise<Stack[]> {
  const needed = new Set(testFiles().filter(runs).flatMap(enginesOf));
  if ((process.env[endpointsVariable] ?? '') !== '' || needed.size === 0) return [];
  const dataDir = join(packageRoot, '.data/test');
  log('starting the engines of the tests');
  await clear(dataDir);
  const stack = await startStack({ dataDir, engines: [...needed], log, died: endRun });
  process.env[endpointsVariable] = join(dataDir, 'endpoints.json');
  return [stack];
}

interface SharedConsole {
  /** Whose tests open it, below `test/`. */
  suite: string;
  variable: string;
  dataDir: string;
  start: typeof startConsoleStack;
}

const plainConsole: SharedConsole = {
  ...{ suite: 'console', variable: consoleStackVariable, dataDir: consoleStackFolder, start: startConsoleStack },
};
const chainConsole: SharedConsole = {
  ...{ suite: 'console-chain', variable: chainConsoleVariable, dataDir: chainConsoleFolder },
  start: startChainConsoleStack,
};

/** The tests of the console open that of a whole broker, which has engines of its own: it acts on all that it finds. */
function consoleStack({ suite, variable, dataDir, start }: SharedConsole) {
  return async (runs: (file: string) => boolean): Promise<Stack[]> => {
    const isNeeded = testFiles().some((file) => runs(file) && folderOf(file) === suite);
    if (!isNeeded || (process.env[variable] ?? '') !== '') return [];
    log(`starting the broker whose console is tested by test/${suite}`);
    await clear(dataDir);
    const stack = await start(log, endRun);
    process.env[variable] = join(dataDir, 'endpoints.json');
    return [stack];
  };
}

/** Without one of its engines every test would fail, each in its own way, and slowly. */
function endRun(name: string, how: string): void {
  process.stdout.write(
    `\n${name}, which the tests share, ended (${how}). Its log is in .data/test/logs or .data/test-console*/logs.\n\n`,
  );
  process.stdout.write('0 passed, 1 failed\n');
  process.exit(1);
}

/** Nothing of an earlier run may affect a test; its engines' logs are kept until here. */
async function clear(dataDir: string): Promise<void> {
  try {
    const release = takeLock(join(dataDir, 'stack.lock'));
    await reapOrphans(join(dataDir, 'run'), log);
    rmSync(dataDir, { recursive: true, force: true });
    release();
  } catch (error) {
    if (!(error instanceof LockHeld)) throw error;
    throw new Error(`tests run here already (process ${error.pid}): set ${endpointsVariable} to share their engines`, {
      cause: error,
    });
  }
}

function testFiles(): string[] {
  const folder = join(packageRoot, 'test');
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => join(folder, file));
}

/** A folder that is missing here gets all engines. Some folders start their own instead, or besides. */
export const enginesOfFolder: Readonly<Record<string, readonly EngineName[]>> = {
  unit: [],
  // Each file has a chain of its own, for time is moved there, and blocks are taken back.
  chain: ['postgres', 'redis', 'temporal'],
  'chain-chaos': [],
  chaos: [],
  // The same.
  contracts: [],
  e2e: [],
  compose: [],
  node: [],
  restore: [],
  upgrade: [],
  // Besides the broker of its own.
  console: ['postgres', 'redis'],
  'console-chain': [],
  store: ['postgres', 'redis'],
  flow: ['postgres', 'redis', 'temporal'],
};

function enginesOf(file: string): readonly EngineName[] {
  return enginesOfFolder[folderOf(file)] ?? engineNames;
}

function folderOf(file: string): string {
  return relative(join(packageRoot, 'test'), file).split(sep)[0] ?? '';
}
