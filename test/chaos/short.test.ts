import { randomInt } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { runChaos } from './run.js';

/** The long run is `npm run chaos`. */
const seed = Number(process.env['CHAOS_SEED'] ?? randomInt(2 ** 31));

test(`nothing is lost, left or twice while processes are killed (CHAOS_SEED=${seed})`, async () => {
  const lines: string[] = [];
  const result = await runChaos({ seed, jobs: 12, kills: 8, customers: 4, log: (line) => lines.push(line) });
  const wrong = result.findings.filter(({ violations }) => violations.length > 0);
  const repairs = Object.entries(result.repairsAfterQuiet).filter(([, count]) => count > 0);
  expect({ seed, wrong, repairs, lines: wrong.length + repairs.length > 0 ? lines : [] }).toEqual({
    seed,
    wrong: [],
    repairs: [],
    lines: [],
  });
  expect(Object.values(result.kills).reduce((sum, count) => sum + count, 0)).toBe(8);
}, 600_000);
