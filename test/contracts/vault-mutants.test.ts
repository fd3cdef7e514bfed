import { expect, test } from '@jest/globals';
import { compile, readSources } from '../../scripts/contracts.js';
import { compileMutant, mutants } from './vault-mutants.js';
import { runSequence } from './vault-sequence.js';

/** The same as those in which the vault itself does what its model does. */
const sequences = 500;
const steps = 12;
const sources = readSources();
const contracts = compile(sources, undefined, { viaIR: false });

test.each(mutants)('the random sequences notice when $name', async (mutant) => {
  const faulty = { ...contracts, RentalVault: compileMutant(sources, mutant) };
  let noticed: string | undefined;
  for (let seed = 1; seed <= sequences && noticed === undefined; seed++) {
    noticed = await runSequence(faulty, { seed, steps, counts: new Map() });
  }
  expect(noticed).toBeDefined();
});
