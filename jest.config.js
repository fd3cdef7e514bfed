/** Suites with commands of their own. `npm test` leaves them out, unless it is given the files that it is to run. */
const ownCommand = [
  'chain',
  'chain-chaos',
  'chaos',
  'compose',
  'console',
  'console-chain',
  'contracts',
  'e2e',
  'integration',
  'node',
  'restore',
  'stack',
  'upgrade',
  'workflow',
];
const isTold = process.argv.slice(2).some((argument) => !argument.startsWith('-'));
/** In CI the tests of a file run in the order of the seed that `.ci/run` names: `npm test -- --seed=N --randomize`. */
const isCi = (process.env.CI ?? '') !== '';

/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { target: 'es2022', parser: { syntax: 'typescript' } }, module: { type: 'es6' } },
    ],
  },
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', ...(isTold ? [] : ownCommand.map((suite) => `<rootDir>/test/${suite}/`))],
  randomize: isCi,
  showSeed: isCi,
  runner: '<rootDir>/test/support/runner.js',
  testSequencer: '<rootDir>/test/support/sequencer.js',
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/.data/'],
  globalSetup: '<rootDir>/test/support/global-setup.js',
  globalTeardown: '<rootDir>/test/support/global-teardown.js',
  reporters: ['default', '<rootDir>/test/support/summary-reporter.js'],
  // The engines want their share of the processors, but many tests do nothing but wait for them.
  maxWorkers: 3,
  // A process of its own for each file that runs workflows: see the runner.
  workerIdleMemoryLimit: 1_000_000,
  // Longer than what `until` waits: it says what was missing.
  testTimeout: 120_000,
};
