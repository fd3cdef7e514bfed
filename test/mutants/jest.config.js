import { fileURLToPath } from 'node:url';
import base from '../../jest.config.js';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const [[pattern, [, options]]] = Object.entries(base.transform);
// What the run of the mutants has set up itself, once for all of them.
const { globalSetup: _, globalTeardown: __, ...rest } = base;

/** Set while it is noted which functions the test files run. */
const takesNotes = process.env['BROKER_MUTANTS_NOTES'] !== undefined;

/** @type {import('jest').Config} */
export default {
  ...rest,
  rootDir: here('../..'),
  cacheDirectory: here('../../.data/mutants/jest'),
  transform: { [pattern]: [here(takesNotes ? 'transform-noting.js' : 'transform-mutated.js'), options] },
  testEnvironment: here('environment.js'),
  testSequencer: here('sequencer.js'),
  reporters: [here('result-reporter.js')],
  randomize: false,
  bail: 1,
  maxWorkers: 1,
};
