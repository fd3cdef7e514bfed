import { expect, test } from '@jest/globals';
import { compile, readSources } from '../../scripts/contracts.js';
import { allEndings } from './vault-endings.js';
import { runSequence, withPublishedVault, type Counts } from './vault-sequence.js';

/** More of them, and others: `npm run fuzz:vault`. */
const sequences = 500;
const steps = 12;
const contracts = withPublishedVault(compile(readSources(), undefined, { viaIR: false }));

test('in random sequences the vault does what its model does, and refuses for the same reasons', async () => {
  const counts: Counts = new Map();
  for (let seed = 1; seed <= sequences; seed++) {
    expect(await runSequence(contracts, { seed, steps, counts })).toBeUndefined();
  }
  // A generator that never gets that far proves nothing.
  expect(allEndings.filter((ending) => !counts.has(ending))).toEqual([]);
  expect(counts.get('execute ok')).toBeGreaterThan(sequences / 3);
}, 900_000);
