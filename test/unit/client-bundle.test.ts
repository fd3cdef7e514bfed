import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';

const folder = mkdtempSync(join(tmpdir(), 'client-bundle-'));
beforeAll(() => promisify(execFile)('npx', ['tsx', 'scripts/build-client.ts', '--library', folder]));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The files that one loads with a file, itself first; `import()` loads nothing until it is called. */
function loadedWith(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, from] of read(file).matchAll(/(?:from|import)\s*"(\.[^"]+)"/g))
    loadedWith(join(dirname(file), from!), seen);
  return seen;
}

/** The file that a file loads later, by the beginning of its name. */
function loadedLater(file: string, name: string): string {
  for (const loaded of loadedWith(file)) {
    const found = [...read(loaded).matchAll(/import\("(\.[^"]+)"\)/g)].find(([, from]) => from!.includes(`/${name}-`));
    if (found !== undefined) return join(dirname(loaded), found[1]!);
  }
  throw new Error(`${file} loads no ${name} later`);
}

const read = (file: string) => readFileSync(file, 'utf8');
/** Each file is sent by itself. */
const gzipped = (files: Iterable<string>) =>
  [...files].reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0);

test('what a page loads of the client at first is at most 12 KB, and what a login adds at most 30 KB', () => {
  const entry = join(folder, 'lib/index.js');
  const core = loadedWith(entry);
  const login = [...loadedWith(loadedLater(entry, 'login'))].filter((file) => !core.has(file));
  const sizes = [gzipped(core), gzipped(login)];
  expect(sizes[0]).toBeLessThan(12 * 1024);
  expect(sizes[1]).toBeLessThan(30 * 1024);
  // Neither is empty because a name has changed.
  expect(sizes[0]).toBeGreaterThan(4 * 1024);
  expect(sizes[1]).toBeGreaterThan(10 * 1024);
});

test('the client has no zod in it, and its entry for browsers asks for no module of Node', () => {
  const entry = join(folder, 'lib/index.js');
  const later = ['login', 'signing'].map((name) => loadedLater(entry, name));
  const all = [entry, ...later].flatMap((file) => [...loadedWith(file)]);
  expect(all.length).toBeGreaterThan(3);
  for (const file of all) expect(read(file)).not.toMatch(/zod|node:|\brequire\(/i);
  const forNode = loadedWith(join(folder, 'lib/node.js'));
  for (const file of forNode) expect(read(file)).not.toMatch(/zod/i);
  expect([...forNode].some((file) => read(file).includes('node:fs'))).toBe(true);
});
