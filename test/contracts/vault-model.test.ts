import { expect, test } from '@jest/globals';
import { compile, readSources } from '../../scripts/contracts.js';
import { allEndings } from './vault-endings.js';
import { compileMutant, mutants } from './vault-mutants.js';
import { runSequence, type Counts } from './vault-sequence.js';

/** Of each test. More of them, and others: `npm run fuzz:vault`. */
const sequences = 500;
const steps = 12;
const sources = readSources();
/** Without the slow optimizer. That the published bytecode behaves alike is tested on a chain. */
const contracts = compile(sources, undefined, { viaIR: false });

test('in random sequences the vault does what its model does, and refuses for the same reasons', async () => {
  const counts: Counts = new Map();
  for (let seed = 1; seed <= sequences; seed++) {
    expect(await runSequence(contracts, { seed, steps, counts })).toBeUndefined();
  }
  // A generator that never gets that far proves nothing.
  expect(allEndings.filter((ending) => !counts.has(ending))).toEqual([]);
  expect(counts.get('execute ok')).toBeGreaterThan(sequences / 3);
}, 300_000);

test.each(mutants)('the same sequences notice when $name', async (mutant) => {
  const faulty = { ...contracts, RentalVault: compileMutant(sources, mutant) };
  let noticed: string | undefined;
  for (let seed = 1; seed <= sequences && noticed === undefined; seed++) {
    noticed = await runSequence(faulty, { seed, steps, counts: new Map() });
  }
  expect(noticed).toBeDefined();
});
