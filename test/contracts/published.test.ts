import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { packageRoot } from '../../engines/paths.js';
import { contractFiles } from '../../scripts/contracts.js';

test('what is committed of the contracts is what the compiler makes of their sources, byte for byte', async () => {
  const made = await contractFiles();
  for (const { file, text } of made) {
    // Not by value: the difference of two lines of bytecode helps nobody.
    const isSame = readFileSync(join(packageRoot, file), 'utf8') === text;
    expect({ file, isSame, remedy: 'npm run contracts:build' }).toMatchObject({ isSame: true });
  }
  expect(made.map(({ file }) => file)).toContain('contracts/RentalVault.json');
});
