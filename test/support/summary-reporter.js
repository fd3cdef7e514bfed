import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** How many of the slowest waits are shown. */
const shownWaits = 20;

/** How many lines of a failed test's reason are shown. */
const shownLines = 3;

/**
 * Shows which waits took longest and, once more, what failed. Its very last line says, for programs to read, how many
 * tests passed and how many failed.
 */
export default class SummaryReporter {
  constructor({ rootDir }) {
    this.rootDir = rootDir;
  }

  onRunComplete(_contexts, results) {
    // A file that could not be loaded, or whose clean-up failed, is a failure although none of its tests failed.
    const failed = Math.max(results.numFailedTests + results.numRuntimeErrorTestSuites, results.numFailedTestSuites);
    const skipped = results.numPendingTests + results.numTodoTests;
    const waits = slowestWaits();
    const failures = whatFailed(results.testResults, this.rootDir);
    if (process.env.RECORD_DURATIONS === 'true') recordDurations(results.testResults, this.rootDir);
    // At the exit: jest's own summary and the engines' end come after this.
    process.once('exit', (code) => {
      const unexplained = code !== 0 && failed === 0 ? 1 : 0;
      const counts = [`${results.numPassedTests} passed`, `${failed + unexplained} failed`];
      if (skipped > 0) counts.push(`${skipped} skipped`);
      process.stdout.write(`${waits}\n${failures}${counts.join(', ')}\n`);
    });
  }
}

/** Each line begins with `✗`, so that it can be found in a log of any length. Empty if nothing failed. */
function whatFailed(files, rootDir) {
  const lines = files.flatMap(({ testFilePath, testExecError, failureMessage, testResults }) => {
    const file = relative(rootDir, testFilePath);
    const failed = testResults.filter(({ status }) => status === 'failed');
    if (failed.length === 0 && testExecError === undefined) return [];
    if (failed.length === 0) return entry(file, failureMessage ?? '');
    return failed.flatMap(({ fullName, failureMessages }) => entry(`${file}: ${fullName}`, failureMessages.join('\n')));
  });
  return lines.map((line) => `✗ ${line}\n`).join('');
}

function entry(name, message) {
  const reasons = stripVTControlCharacters(message)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, shownLines);
  return [name, ...reasons.map((line) => `    ${line.trim().slice(0, 200)}`)];
}

/** The table of the slowest waits, one for each place. Empty if no wait was long. */
function slowestWaits() {
  const slowest = new Map();
  for (const wait of readWaits()) {
    const key = `${wait.place} ${wait.name}`;
    const known = slowest.get(key);
    slowest.set(key, known === undefined || known.tookMs < wait.tookMs ? wait : known);
  }
  const worst = [...slowest.values()].sort((a, b) => b.tookMs - a.tookMs).slice(0, shownWaits);
  if (worst.length === 0) return '';
  const width = process.stdout.columns ?? 120;
  const seconds = (ms) => (ms / 1000).toFixed(1).padStart(6);
  const rows = worst.map(({ tookMs, budgetMs, place, name }) =>
    `${seconds(tookMs)} ${seconds(budgetMs)} ${tookMs > budgetMs ? '!' : ' '} ${place}: ${name}`.slice(0, width),
  );
  return ['', 'The slowest waits, in seconds (! is over its budget):', '  took budget', ...rows, ''].join('\n');
}

function readWaits() {
  try {
    const text = readFileSync(join(process.env.BROKER_TEST_RUN_FOLDER ?? '', 'waits.jsonl'), 'utf8');
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line));
  } catch {
    return [];
  }
}

/** Seconds per file, for the order of later runs. */
function recordDurations(files, rootDir) {
  const seconds = files.map(({ testFilePath, perfStats }) => [
    relative(rootDir, testFilePath),
    Math.ceil(perfStats.runtime / 1000),
  ]);
  const sorted = Object.fromEntries(seconds.sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(new URL('durations.json', import.meta.url), `${JSON.stringify(sorted, null, 2)}\n`);
}
