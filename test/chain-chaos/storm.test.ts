import { randomInt } from 'node:crypto';
import { expect } from '@jest/globals';
import { testUnless } from '../support/needs.js';
import { missingAnvil } from '../support/vault-chain.js';
import { invariants } from '../chaos/invariant-names.js';
import { runChaos } from '../chaos/run.js';

/** The long run is `npm run chaos -- --chain`. */
const seed = Number(process.env['CHAOS_SEED'] ?? randomInt(2 ** 31));

testUnless(missingAnvil())(
  `what all accounts hold is what was deposited and not withdrawn, whatever nodes say and processes die (CHAOS_SEED=${seed})`,
  async () => {
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    const result = await runChaos({
      ...{ seed, jobs: 8, kills: 4, hostile: 0, customers: 3, registrations: 50, withBroken: false },
      ...{ victims: ['worker', 'worker-2', 'postgres', 'redis', 'api'], chain: 'stormy', log },
    });
    const wrong = result.findings.flatMap(({ invariant, violations }) =>
      violations.map((violation) => `${invariants[invariant]}: ${violation}`),
    );
    if (wrong.length > 0) throw new Error([...wrong, ...lines].join('\n'));
    expect(result.endedBecause).toBeUndefined();
  },
  900_000,
);
