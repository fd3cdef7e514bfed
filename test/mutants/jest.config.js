import { fileURLToPath } from 'node:url';
import base from '../../jest.config.js';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const [[pattern, [, options]]] = Object.entries(base.transform);
// What the run of the mutants has set up itself, once for all of them.
const { globalSetup: _, globalTeardown: __, ...rest } = base;

/** @type {import('jest').Config} */
export default {
  ...rest,
  rootDir: here('../..'),
  cacheDirectory: here('../../.data/mutants/jest'),
  transform: { [pattern]: [here('transform.js'), options] },
  testEnvironment: here('environment.js'),
  testSequencer: here('sequencer.js'),
  reporters: [here('result-reporter.js')],
  bail: 1,
  maxWorkers: 1,
};
