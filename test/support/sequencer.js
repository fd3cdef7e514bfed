import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import Sequencer from '@jest/test-sequencer';

/** Seconds per file, as `npm run test:durations` has written them down. */
const durations = JSON.parse(readFileSync(new URL('durations.json', import.meta.url), 'utf8'));
/** Of a file that has no entry yet: among the first, so that it cannot be the one that all wait for. */
const unknownS = 60;

/** The longest files first: one that begins last would run on alone. */
export default class LongestFirst extends Sequencer {
  sort(tests) {
    const seconds = ({ path, context }) => durations[relative(context.config.rootDir, path)] ?? unknownS;
    return [...tests].sort((a, b) => seconds(b) - seconds(a) || (a.path < b.path ? -1 : 1));
  }
}
