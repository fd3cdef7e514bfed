import { execFile } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../../engines/paths.js';
import { mutantVariable } from './apply.js';
import { readSource } from './find-mutants.js';
import { runJest, writeJson } from './jest-run.js';
import type { Mutant } from './mutant.js';
import type { Reach } from './reach.js';
import { loadsNativePart } from '../support/imports.js';
import { runsWorkflows } from './suites.js';

export interface Outcome {
  mutant: Mutant;
  /** `unreached`: no test file runs its function. */
  end: 'killed' | 'timed out' | 'survived' | 'unreached';
  /** The test that noticed it. */
  by?: string;
  seconds: number;
}

/** A file hangs if it takes this many times longer than without a mutant, plus two minutes: the machine may be busy. */
const patience = { times: 4, extraMs: 120_000 };

/** Runs the tests that reach a mutant, nearest first, until one of them fails. */
export async function tryMutant(mutant: Mutant, reach: Reach, env: NodeJS.ProcessEnv): Promise<Outcome> {
  const began = Date.now();
  const ended = (end: Outcome['end'], by?: string): Outcome => ({
    mutant,
    end,
    ...(by === undefined ? {} : { by }),
    seconds: (Date.now() - began) / 1000,
  });
  const files = reach.testsOf(mutant);
  if (files.length === 0) return ended('unreached');
  const { file, start, end, was, becomes } = mutant;
  if (readSource(file).slice(start, end) !== was) throw new Error(`${file} has changed since the run began`);

  const folder = join(packageRoot, '.data/mutants');
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `mutant-${process.pid}-${start}-${began}.json`);
  writeJson(path, { file, start, end, becomes });
  const mutated = { ...env, [mutantVariable]: path };
  try {
    for (const { asked, inBand, isBundled } of inTurns(files)) {
      const { results, timedOut, output } = await runJest({
        files: asked,
        env: mutated,
        allowedMs: (test) => reach.secondsOf(test) * 1000 * patience.times + patience.extraMs,
        bail: true,
        inBand,
        ...(isBundled ? { prepare: (run) => bundle(run, mutated) } : {}),
      });
      const red = results.find(({ green }) => !green);
      if (red !== undefined) return ended('killed', `${red.file}: ${red.failed ?? 'did not run'}`);
      if (timedOut) return ended('timed out', asked[results.length]);
      if (results.length < asked.length) {
        throw new Error(`jest ended after ${results.length} of ${asked.length} files:\n${output}`);
      }
    }
    return ended('survived');
  } catch (error) {
    if (error instanceof NotBundled) return ended('killed', 'the bundler of the workflows');
    throw error;
  } finally {
    rmSync(path, { force: true });
  }
}

/** How many files one process may run: it keeps some memory of each. */
const filesInBand = 25;

/**
 * The files in the order in which they run. Bundling takes longer than most tests, so the tests of workflows run only for
 * mutants that survive all others.
 */
function inTurns(files: readonly string[]): { asked: string[]; inBand: boolean; isBundled: boolean }[] {
  const native = files.filter(loadsNativePart);
  const small = files.filter((test) => !native.includes(test));
  const turns = [];
  for (let first = 0; first < small.length; first += filesInBand) {
    turns.push({ asked: small.slice(first, first + filesInBand), inBand: true, isBundled: false });
  }
  for (const isBundled of [false, true]) {
    const asked = native.filter((test) => runsWorkflows(test) === isBundled);
    if (asked.length > 0) turns.push({ asked, inBand: false, isBundled });
  }
  return turns;
}

class NotBundled extends Error {}

/** Bundles the mutated workflows where the tests expect the bundle. */
async function bundle(run: string, env: NodeJS.ProcessEnv): Promise<void> {
  const script = join(packageRoot, 'test/mutants/bundle.js');
  try {
    await promisify(execFile)(process.execPath, [script, join(run, 'workflow-bundle.js')], {
      cwd: packageRoot,
      env: { ...process.env, ...env },
    });
  } catch (error) {
    throw new NotBundled('the workflows cannot be bundled', { cause: error });
  }
}
