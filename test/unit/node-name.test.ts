import { expect, test } from '@jest/globals';
import { nodeNameOf } from '../../src/node-name.js';

test('a node is called after its provider, and never by the bare id', () => {
  expect(nodeNameOf('atlas', 1)).toBe('p-atlas-1');
  expect(nodeNameOf('atlas', 12)).toBe('p-atlas-12');
});

test('a name is a DNS label, however long the id is', () => {
  for (let length = 3; length <= 60; length++) {
    for (const id of ['a'.repeat(length), `a${'-'.repeat(length - 2)}z`]) {
      for (const generation of [1, 99, 2_147_483_647]) {
        expect(nodeNameOf(id, generation)).toMatch(/^p-[a-z0-9](?:[a-z0-9-]{0,59}[a-z0-9])$/);
        expect(nodeNameOf(id, generation).length).toBeLessThanOrEqual(63);
      }
    }
  }
});

test('two ids share no name, though one of them is what the other was cut to', () => {
  const long = `${'x'.repeat(51)}-and-more`;
  const name = nodeNameOf(long, 1);
  expect(nodeNameOf(`${'x'.repeat(51)}-and-mor2`, 1)).not.toBe(name);
  // Whatever id is made up from the cut name: of an id that was not cut, the last part is a number alone.
  for (const id of [name.slice(2), name.slice(2, -2), name.slice(2).replace(/-[^-]*$/, '')])
    for (const generation of [0, 1, 2]) expect(nodeNameOf(id, generation)).not.toBe(name);
});
