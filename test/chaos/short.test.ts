import { randomInt } from 'node:crypto';
import { expect, test } from '@jest/globals';
import { invariants } from './invariant-names.js';
import { runChaos } from './run.js';

/** The long run is `npm run chaos`. */
const seed = Number(process.env['CHAOS_SEED'] ?? randomInt(2 ** 31));

test(`nothing is lost, left, twice or billed wrongly while processes are killed and kubelets lie (CHAOS_SEED=${seed})`, async () => {
  const lines: string[] = [];
  const log = (line: string) => lines.push(line);
  const result = await runChaos({ seed, jobs: 12, kills: 8, hostile: 6, customers: 4, log });
  const wrong = result.findings.flatMap(({ invariant, violations }) =>
    violations.map((violation) => `${invariants[invariant]}: ${violation}`),
  );
  // What went wrong comes first, for a summary shows the first lines of an error only.
  if (wrong.length > 0) throw new Error([...wrong, ...lines].join('\n'));
  expect(Object.values(result.kills).reduce((sum, count) => sum + count, 0)).toBe(8);
}, 900_000);
