/** Says in the very last line, for programs to read, how many tests passed and how many did not. */
export default class SummaryReporter {
  onRunComplete(_contexts, results) {
    // A file that could not be loaded, or whose clean-up failed, is a failure although no test of it is.
    const failed = Math.max(results.numFailedTests + results.numRuntimeErrorTestSuites, results.numFailedTestSuites);
    const skipped = results.numPendingTests + results.numTodoTests;
    // At the exit: jest's own summary and the end of the engines come after this.
    process.once('exit', (code) => {
      const unexplained = code !== 0 && failed === 0 ? 1 : 0;
      const counts = [`${results.numPassedTests} passed`, `${failed + unexplained} failed`];
      if (skipped > 0) counts.push(`${skipped} skipped`);
      process.stdout.write(`\n${counts.join(', ')}\n`);
    });
  }
}
