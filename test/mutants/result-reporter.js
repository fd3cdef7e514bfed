import { appendFileSync } from 'node:fs';

/** Writes down, as soon as it is known, how each test file ended: one line of JSON a file. */
export default class ResultReporter {
  onTestFileResult(test, { numFailingTests, testResults, testExecError, failureMessage, perfStats }) {
    const failed = testResults.find(({ status }) => status === 'failed');
    const result = {
      file: test.path,
      green: numFailingTests === 0 && testExecError == null && !failureMessage,
      failed: failed?.fullName ?? (testExecError == null ? undefined : String(testExecError.message).split('\n')[0]),
      seconds: (perfStats.end - perfStats.start) / 1000,
    };
    appendFileSync(process.env['BROKER_MUTANTS_RESULTS'], `${JSON.stringify(result)}\n`);
  }
}
