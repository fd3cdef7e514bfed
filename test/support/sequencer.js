import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import Sequencer from '@jest/test-sequencer';

/** Seconds per file, as `npm run test:durations` recorded them. */
const durations = JSON.parse(readFileSync(new URL('durations.json', import.meta.url), 'utf8'));
/** For a file without an entry: among the first, so that the run does not end up waiting for it. */
const unknownS = 60;

/** Runs the longest files first: one that starts last would run on alone. */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    const seconds = ({ path, context }) => durations[relative(context.config.rootDir, path)] ?? unknownS;
    return [...tests].sort((a, b) => seconds(b) - seconds(a) || (a.path < b.path ? -1 : 1));
  }
}
