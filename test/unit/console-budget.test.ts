import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { consoleFiles } from '../../scripts/pages/console-files.js';
import type { Files } from '../../scripts/pages/files.js';
import { consoleBudgets } from '../support/console-budgets.js';

let files: Files;
let document: string;
beforeAll(async () => {
  files = await consoleFiles();
  document = files.get('console/index.html')!;
});

const kib = 1024;
const text = (name: string) => files.get(`console/assets/${name}`)!;
/** Each file is sent by itself. */
const gzipped = (names: Iterable<string>) =>
  [...names].reduce((sum, name) => sum + gzipSync(text(name), { level: 9 }).length, 0);
const named = (pattern: RegExp) => [...document.matchAll(pattern)].map(([, name]) => name!);
const oneOf = (stem: string) =>
  [...files.keys()].map((name) => name.slice('console/assets/'.length)).find((name) => name.startsWith(`${stem}-`))!;

/** The scripts that one loads with a script, itself first; `import()` loads nothing until it is called. */
function loadedWith(name: string, seen = new Set<string>()): Set<string> {
  if (seen.has(name)) return seen;
  seen.add(name);
  for (const [, from] of text(name).matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)) loadedWith(from!, seen);
  return seen;
}

/** What the market page is made of, whether or not the document says so beforehand. */
const firstScripts = () => new Set(['main', 'market-page'].flatMap((stem) => [...loadedWith(oneOf(stem))]));

describe('what the first page of the console loads', () => {
  test(`its scripts are at most ${consoleBudgets.firstScriptKb} KB, gzip`, () => {
    const size = gzipped(firstScripts());
    expect(size).toBeLessThanOrEqual(consoleBudgets.firstScriptKb * kib);
    expect(size).toBeGreaterThan(10 * kib);
  });

  test(`its styles are at most ${consoleBudgets.firstStyleKb} KB, gzip`, () => {
    const styles = named(/<link rel="stylesheet" href="assets\/([^"]+)"/g);
    expect(styles.length).toBeGreaterThan(0);
    expect(gzipped(styles)).toBeLessThanOrEqual(consoleBudgets.firstStyleKb * kib);
  });

  test(`it takes at most ${consoleBudgets.firstRequests} requests, and the document names all of them, so that none waits for another`, () => {
    const script = named(/<script type="module" src="assets\/([^"]+)"/g);
    const preloaded = named(/<link rel="modulepreload" href="assets\/([^"]+)"/g);
    expect(new Set([...script, ...preloaded])).toEqual(firstScripts());
    const others = named(/<link rel="(?:stylesheet|icon)"[^>]* href="assets\/([^"]+)"/g);
    expect(1 + script.length + preloaded.length + others.length).toBeLessThanOrEqual(consoleBudgets.firstRequests);
  });

  test('nothing of a wallet, a chart or a schema is among it', () => {
    const all = [...firstScripts()].map(text).join('');
    expect(all.match(/secp256k1|eth_signTypedData|uPlot|ZodError|document\.write|\beval\(/)?.[0]).toBeUndefined();
  });
});

test(`what asks a wallet is at most ${consoleBudgets.walletKb} KB more, gzip`, () => {
  const first = firstScripts();
  const later = ['connect-dialog', 'access', 'login', 'signing'].flatMap((stem) => [...loadedWith(oneOf(stem))]);
  const more = new Set(later.filter((name) => !first.has(name)));
  const size = gzipped(more);
  expect(size).toBeLessThanOrEqual(consoleBudgets.walletKb * kib);
  expect(size).toBeGreaterThan(10 * kib);
});

test('the document of a page below names its files from there, and does not load the market', () => {
  const below = files.get('console/app.1.html')!;
  expect(below).toContain('src="../assets/main-');
  expect(below).not.toContain('market-page');
});
