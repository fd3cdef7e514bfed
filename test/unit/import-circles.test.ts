import { expect, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../engines/paths.js';
import { importedBy, importsOf } from '../support/imports.js';

const folders = ['src', 'workflows', 'activities', 'engines', 'scripts', 'console'];
const files = folders.flatMap((folder) =>
  readdirSync(join(packageRoot, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.[jt]sx?$/.test(name) && !name.endsWith('.d.ts'))
    .map((name) => join(folder, name)),
);

test('no file imports itself by way of others, not even for a type', () => {
  expect(files.length).toBeGreaterThan(300);
  const inCircles = files.filter((file) => importsOf(file).files.some((imported) => importedBy(imported).has(file)));
  expect(inCircles).toEqual([]);
});
