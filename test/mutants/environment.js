import { appendFileSync } from 'node:fs';
import { TestEnvironment } from 'jest-environment-node';

/** Skips what is left of a file after its first failure, and notes which functions ran. */
export default class MutantEnvironment extends TestEnvironment {
  #failed = false;
  #file;

  constructor(config, context) {
    super(config, context);
    this.#file = context.testPath;
    this.global.__reached = new Set();
  }

  handleTestEvent(event) {
    if (event.name === 'test_done' && event.test.errors.length > 0) this.#failed = true;
    if (event.name === 'test_start' && this.#failed) event.test.mode = 'skip';
  }

  async teardown() {
    const notes = process.env['BROKER_MUTANTS_NOTES'];
    if (notes !== undefined) {
      appendFileSync(notes, `${JSON.stringify({ file: this.#file, reached: [...this.global.__reached] })}\n`);
    }
    await super.teardown();
  }
}
