import { relative } from 'node:path';
import TestRunner from 'jest-runner';
import { loadsNativePart } from './imports.js';

/** Suites whose files start no processes of their own. */
const isSmall = /\/test\/(?:unit|store)\//;

/** How many compute at once. */
const processors = 2;

/** A worker whose memory has grown beyond this ends after its file. */
const idleBytes = 1_200_000_000;

/**
 * Most files get a process each. Those of `unit` and `store` share a few, unless they load the native part of the Temporal
 * SDK: to start a process takes longer than most of them. Both kinds run side by side, since the first mostly wait and the
 * second compute.
 */
export default class Runner extends TestRunner {
  #shared;

  constructor(globalConfig, context) {
    super(globalConfig, context);
    const maxWorkers = Math.min(globalConfig.maxWorkers, processors);
    this.#shared = new TestRunner({ ...globalConfig, maxWorkers, workerIdleMemoryLimit: idleBytes }, context);
  }

  async runTests(tests, watcher, options) {
    if (options.serial) return await super.runTests(tests, watcher, options);
    const isNative = (path) => loadsNativePart(relative(this._globalConfig.rootDir, path));
    const together = tests.filter(({ path }) => isSmall.test(path) && !isNative(path));
    const alone = tests.filter((test) => !together.includes(test));
    const runs = [];
    if (alone.length > 0) runs.push(super.runTests(alone, watcher, options));
    if (together.length > 0) runs.push(this.#shared.runTests(together, watcher, options));
    await Promise.all(runs);
  }

  on(name, listener) {
    const stops = [super.on(name, listener), this.#shared.on(name, listener)];
    return () => stops.forEach((stop) => stop());
  }
}
