import { expect, test } from '@jest/globals';
import { faults } from './faults/faults.js';
import { runWithFaults } from './faults/run-fault.js';

/** All the others are `npm run chaos -- --fault all`. */
const name = 'look-fails';

test(`chaos notices when ${faults[name]!.what}`, async () => {
  const { found, wrong } = await runWithFaults([faults[name]!]);
  expect(wrong).toEqual([]);
  expect(found.answers).toContain('answered 500');
}, 600_000);
