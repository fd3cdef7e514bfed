import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { argumentsOf, wholeNumbers } from '../../engines/cli/arguments.js';
import { packageRoot } from '../../engines/paths.js';
import { startStack } from '../../engines/stack.js';
import { endpointsVariable } from '../support/engines.js';
import { createCompiler } from './compiler.js';
import { curatedMutants } from './curated.js';
import { checkExcuses, excused } from './excused.js';
import { mutantsOf, mutatedFiles, sample } from './find-mutants.js';
import { writeJson } from './jest-run.js';
import { keyOf, type Mutant } from './mutant.js';
import { learnReach, type Reach } from './reach.js';
import { report } from './report.js';
import { cheapEngines, cheapFolders, testFilesIn } from './suites.js';
import { tryMutant, type Outcome } from './try-mutant.js';

const usage = `Usage: npm run mutants -- [options]

Plants small faults in the broker, one at a time, and reports those that no test notices. It uses the tests that need no
cluster, and changes nothing in the checkout. Ends with 1 when too many faults survive.

  --sample N      how many faults are tried, besides those of the table (default 400)
  --seed N        another seed tries others (default 1)
  --workers N     how many at a time (default 1)
  --only PATH     only in files whose path begins so: src/db
  --no-curated    without the table of our own
  --tests FILES   only by these test files, separated by commas
  --again         only those that survived the last run
  --resume        goes on with a run that was stopped
  --list          prints the faults, and tries none
  --help          show this text
`;

const { values } = argumentsOf(usage, {
  options: {
    sample: { type: 'string', default: '400' },
    seed: { type: 'string', default: '1' },
    workers: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    'no-curated': { type: 'boolean', default: false },
    again: { type: 'boolean', default: false },
    resume: { type: 'boolean', default: false },
    tests: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
});
const { sample: size, seed, workers } = wholeNumbers(usage, values, ['sample', 'seed', 'workers']);
const began = Date.now();
const secondsSince = () => (Date.now() - began) / 1000;
const log = (line: string) => console.log(`${secondsSince().toFixed(0).padStart(6)} s  ${line}`);
const folder = join(packageRoot, '.data/mutants');
const lastRun = join(folder, 'last.json');
/** What is known so far of the run under way, or of one that was stopped: `--resume` goes on from there. */
const thisRun = join(folder, 'running.json');

checkExcuses(excused);
const mutants = chosen();
if (values.list) {
  for (const { file, line, kind, lineWas, lineBecomes } of mutants) {
    console.log(`${file}:${line} (${kind})\n  - ${lineWas}\n  + ${lineBecomes}`);
  }
} else {
  await tryAll();
}

function chosen(): Mutant[] {
  const all = mutatedFiles().flatMap((file) => mutantsOf(file));
  const curated = values['no-curated'] ? [] : curatedMutants();
  if (values.again) {
    const lived = new Set(
      written(lastRun)
        .filter(({ end }) => end === 'survived' || end === 'unreached')
        .map(({ mutant }) => keyOf(mutant)),
    );
    return unlike([...curated, ...all].filter((mutant) => lived.has(keyOf(mutant))));
  }
  log(`seed ${seed}: ${size} of ${all.length} mutants and ${curated.length} of the table`);
  const within = (mutant: Mutant) => mutant.file.startsWith(values.only);
  const compiler = createCompiler();
  const ranked = sample(all.filter(within), all.length, seed);
  const sampled: Mutant[] = [];
  // A larger sample of the same seed contains the smaller one.
  while (sampled.length < size && ranked.length > 0) {
    const more = ranked.splice(0, Math.ceil((size - sampled.length) * 1.4));
    sampled.push(...compiler.taken(more).slice(0, size - sampled.length));
  }
  log(`${sampled.length} that the compiler takes are chosen`);
  return unlike([...curated.filter(within), ...sampled]);
}

/** The sample may contain a fault of the table too. */
function unlike(mutants: readonly Mutant[]): Mutant[] {
  return [...new Map(mutants.map((mutant) => [keyOf(mutant), mutant])).values()];
}

async function tryAll(): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const dataDir = join(folder, 'stack');
  const given = process.env[endpointsVariable] ?? '';
  const stack = given === '' ? await startStack({ dataDir, engines: cheapEngines, log }) : undefined;
  const stop = async () => {
    await stack?.stop();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => void stop().then(() => process.exit(130)));
  try {
    const env = { [endpointsVariable]: given === '' ? join(dataDir, 'endpoints.json') : given };
    const reach = await learnReach(values.tests?.split(',') ?? testFilesIn(cheapFolders), env, log);
    const outcomes = await inTurn(reach, env);
    if (!values.again && values.tests === undefined) writeJson(lastRun, outcomes);
    const { text, isGood } = report(outcomes, excused, secondsSince());
    console.log(text);
    process.exitCode = isGood ? 0 : 1;
  } finally {
    await stop();
  }
}

/** Each worker takes the next mutant as soon as it has finished one. */
async function inTurn(reach: Reach, env: NodeJS.ProcessEnv): Promise<Outcome[]> {
  const outcomes = values.resume ? known() : [];
  const tried = new Set(outcomes.map(({ mutant }) => keyOf(mutant)));
  const waiting = mutants.filter((mutant) => !tried.has(keyOf(mutant)));
  const work = async () => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const outcome = await tryMutant(mutant, reach, env);
      outcomes.push(outcome);
      const { file, line, kind, lineBecomes } = mutant;
      const by = outcome.by === undefined ? '' : ` by ${outcome.by}`;
      log(
        `${outcomes.length}/${mutants.length} ${outcome.end} in ${outcome.seconds.toFixed(0)} s${by}: ${file}:${line} (${kind}) ${lineBecomes}`,
      );
      writeJson(thisRun, outcomes);
    }
  };
  await Promise.all(Array.from({ length: workers }, work));
  return outcomes;
}

/** The outcomes of the run that was stopped, of the mutants that are asked for now. */
function known(): Outcome[] {
  const wanted = new Set(mutants.map(keyOf));
  return written(thisRun).filter(({ mutant }) => wanted.has(keyOf(mutant)));
}

/** What an earlier run of this checkout has written; ends the program where there is none. */
function written(path: string): Outcome[] {
  if (!existsSync(path)) {
    console.error(`There is no earlier run in this checkout (${path}): run it without --resume and --again.`);
    process.exit(2);
  }
  return JSON.parse(readFileSync(path, 'utf8')) as Outcome[];
}
