import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/engines/paths.js';
import { readSource } from './find-mutants.js';
import { runJest, writeJson } from './jest-run.js';
import type { Mutant } from './mutant.js';
import type { Reach } from './reach.js';

export interface Outcome {
  mutant: Mutant;
  /** `unreached`: no test file runs the function that it is in. */
  end: 'killed' | 'timed out' | 'survived' | 'unreached';
  /** The test that noticed it. */
  by?: string;
  seconds: number;
}

/** A file that runs this many times longer than without a mutant, and two minutes on top, hangs: machines are busy at times. */
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
  try {
    const { results, timedOut, output } = await runJest({
      files,
      env: { ...env, BROKER_MUTANT: path },
      allowedMs: (test) => reach.secondsOf(test) * 1000 * patience.times + patience.extraMs,
      bail: true,
    });
    const red = results.find(({ green }) => !green);
    if (red !== undefined) return ended('killed', `${red.file}: ${red.failed ?? 'did not run'}`);
    if (timedOut) return ended('timed out', files[results.length]);
    if (results.length < files.length)
      throw new Error(`jest ended after ${results.length} of ${files.length} files:\n${output}`);
    return ended('survived');
  } finally {
    rmSync(path, { force: true });
  }
}
