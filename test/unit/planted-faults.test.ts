import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { packageRoot } from '../../engines/paths.js';
import { hurried } from '../chaos/chain/pace.js';
import { edited } from '../chaos/faults/edit.js';
import { faults } from '../chaos/faults/faults.js';
import { invariants, type Invariant } from '../chaos/invariant-names.js';

/** Which no planted fault is found by, and why. */
const withoutFault: Partial<Record<Invariant, string>> = {
  mended: 'a machine that never comes back is waited for as long as it may take, three minutes',
  tokens: 'a token that stays is removed by the routine of the next minute',
};

test.each(Object.entries(faults))('the fault %s can be put into the sources as they are', (_, { edits }) => {
  for (const edit of edits) {
    const source = readFileSync(join(packageRoot, edit.file), 'utf8');
    expect(edited(source, edit)).not.toBe(source);
  }
});

test('the broker of chaos with a chain can be made of the sources as they are', () => {
  const sources = new Map<string, string>();
  for (const edit of hurried) {
    const source = sources.get(edit.file) ?? readFileSync(join(packageRoot, edit.file), 'utf8');
    sources.set(edit.file, edited(source, edit));
  }
  expect(sources.size).toBeGreaterThan(0);
});

test('each invariant of chaos is found broken by a fault, or is known not to be', () => {
  const found = new Set(Object.values(faults).flatMap(({ foundBy }) => foundBy));
  const never = Object.keys(invariants).filter((name) => !found.has(name as Invariant));
  expect(never.sort()).toEqual(Object.keys(withoutFault).sort());
});
