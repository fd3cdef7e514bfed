import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../engines/paths.js';
import { placeOf } from './functions.js';
import { runJest, writeJson, type FileResult } from './jest-run.js';
import type { Mutant } from './mutant.js';
import { importedBy } from '../support/imports.js';
import { contentsOf, runsWorkflows } from './suites.js';

/** What is known about the test files, without any mutant. */
interface Notes {
  /** For each test file, its duration and the functions that it runs. */
  files: Record<string, { seconds: number; reached: string[] }>;
}

export interface Reach {
  /** The test files that run the mutated function, nearest first. */
  testsOf(mutant: Mutant): string[];
  secondsOf(testFile: string): number;
}

/** Code in the workflow sandbox cannot report its coverage, so each test of workflows counts for all workflow code. */
const isWorkflow = (file: string): boolean => file.startsWith('workflows/');

/**
 * Runs all test files once, without a mutant, and notes which functions each of them runs. The result is cached until one
 * of their sources changes.
 */
export async function learnReach(
  tests: readonly string[],
  env: NodeJS.ProcessEnv,
  log: (line: string) => void,
): Promise<Reach> {
  const distances = new Map(tests.map((test) => [test, importedBy(test)]));
  const built = [...new Set([...distances.values()].flatMap((imported) => [...imported.keys()]))].sort();
  const digest = createHash('sha256').update(contentsOf(built)).digest('hex').slice(0, 16);
  const kept = join(packageRoot, `.data/mutants/reach-${digest}.json`);
  if (!existsSync(kept)) {
    log(`running the ${tests.length} test files without a mutant`);
    const notes = await take(tests, env);
    for (const test of tests) if (notes.files[test] === undefined) log(`left out, red without any mutant: ${test}`);
    writeJson(kept, notes);
  }
  const { files } = JSON.parse(readFileSync(kept, 'utf8')) as Notes;
  const reached = new Map(Object.entries(files).map(([file, notes]) => [file, new Set(notes.reached)]));
  const secondsOf = (test: string) => files[test]?.seconds ?? 60;
  return {
    secondsOf,
    testsOf({ file, place }) {
      const far = (test: string) => distances.get(test)!.get(file) ?? Infinity;
      return tests
        .filter((test) => files[test] !== undefined)
        .filter((test) => reached.get(test)!.has(placeOf(file, place)) || (runsWorkflows(test) && isWorkflow(file)))
        .sort((a, b) => far(a) - far(b) || secondsOf(a) - secondsOf(b));
    },
  };
}

async function take(tests: readonly string[], env: NodeJS.ProcessEnv): Promise<Notes> {
  const folder = join(packageRoot, '.data/mutants');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `notes-${process.pid}`);
  const noting = { ...env, BROKER_MUTANTS_NOTES: path };
  try {
    const results = await green(tests, noting);
    const lines = readFileSync(path, 'utf8').trim().split('\n');
    const notes = lines.map((line) => JSON.parse(line) as { file: string; reached: string[] });
    // If a file ran twice, its second run counts.
    const reached = new Map(notes.map((note) => [note.file.slice(packageRoot.length + 1), note.reached]));
    return {
      files: Object.fromEntries(
        results.map(({ file, seconds }) => [file, { seconds, reached: reached.get(file) ?? [] }]),
      ),
    };
  } finally {
    rmSync(path, { force: true });
  }
}

/** The percentage of files that may fail without a mutant; with more, something else is wrong. */
const redAtMostPercent = 5;

/**
 * A failing file would kill every mutant. It may have failed by chance, so it runs a second time, and is left out if it
 * fails again.
 */
async function green(tests: readonly string[], env: NodeJS.ProcessEnv): Promise<FileResult[]> {
  const run = (files: readonly string[]) => runJest({ files, env, allowedMs: () => 600_000, bail: false });
  const first = await run(tests);
  const done = first.results.filter((result) => result.green);
  const missing = tests.filter((test) => !done.some(({ file }) => file === test));
  if (missing.length === 0) return done;
  const second = await run(missing);
  const still = missing.filter((test) => !second.results.some(({ file, green }) => file === test && green));
  if (still.length * 100 > tests.length * redAtMostPercent) {
    throw new Error(`red without any mutant: ${still.join(', ')}\n${second.output || first.output}`);
  }
  return [...done, ...second.results.filter((result) => result.green)];
}
