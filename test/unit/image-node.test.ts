import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { silent } from '../../engines/log.js';
import { findImageNode, imageNode } from '../../engines/tools/image-node.js';

const read = (path: string) => readFileSync(path, 'utf8');
const major = imageNode.version.split('.')[0]!;

test('the Node that tests take for the image’s is the one that the Dockerfile names in each stage', () => {
  const bases = [...read('Dockerfile').matchAll(/^FROM node:(\S+)-bookworm-slim@sha256:[0-9a-f]{64}/gm)];
  expect(bases.map(([, version]) => version)).toEqual([imageNode.version, imageNode.version]);
  expect(read('docs/deploy.md')).toContain(`\`node:${imageNode.version}-bookworm-slim\``);
});

test('package.json and its lock file name the versions of Node that are tried, the image’s among them', () => {
  const { engines } = JSON.parse(read('package.json')) as { engines: { node: string } };
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, { engines?: unknown }> };
  expect(engines.node).toContain(`>=${major} <${Number(major) + 1}`);
  expect(packages['']!.engines).toEqual(engines);
  const tried = [...engines.node.matchAll(/>=(\d+)[\d.]* <(\d+)/g)].map(([, from, to]) => [Number(from), Number(to)]);
  expect(tried.every(([from, to]) => to === from! + 1)).toBe(true);
  expect(tried.map(([from]) => from)).toContain(Number(process.versions.node.split('.')[0]));
});

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'image-node-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function program(path: string, version: string): string {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), `#!/bin/sh\necho 'v${version}'\n`, { mode: 0o755 });
  return join(folder, path);
}
const find = (env: NodeJS.ProcessEnv) =>
  findImageNode(silent, { WORLDLAND_CACHE: join(folder, 'cache'), PATH: join(folder, 'bin'), ...env });

test('a Node that an operator names is used if it is of the image’s version, and refused otherwise', async () => {
  const path = program('own/node', `${major}.0.1`);
  expect(await find({ IMAGE_NODE: path })).toEqual({ path, from: 'IMAGE_NODE' });
  await expect(find({ IMAGE_NODE: program('old/node', '20.20.2') })).rejects.toThrow(
    `old/node says that it is v20.20.2: name a Node ${major}`,
  );
});

test('the Node on PATH is used if it is the image’s or a newer one of its kind; otherwise the one in the cache', async () => {
  const path = program(`cache/node/${imageNode.version}/bin/node`, imageNode.version);
  for (const good of [imageNode.version, `${major}.100.0`]) {
    expect([good, await find({ PATH: dirname(program('bin/node', good)) })]).toEqual([
      good,
      { path: join(folder, 'bin/node'), from: 'PATH' },
    ]);
  }
  for (const other of ['20.20.2', `${major}.3.9`, `${Number(major) + 1}.0.0`]) {
    program('bin/node', other);
    expect([other, await find({})]).toEqual([other, { path, from: 'cache' }]);
  }
});

test('where npm is not there, the error names the variable', async () => {
  program('bin/node', '20.20.2');
  await expect(find({})).rejects.toThrow(`name a Node ${major} in IMAGE_NODE`);
});
