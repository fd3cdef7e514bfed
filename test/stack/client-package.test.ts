import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { nodeOfImage } from '../support/image-node.js';
import { json, problem, startFalseBroker, type FalseBroker } from '../support/false-broker.js';

const run = promisify(execFile);
const home = mkdtempSync(join(tmpdir(), 'client-package-'));
const project = join(home, 'project');

let broker: FalseBroker;
let nodes: string[];
beforeAll(async () => {
  broker = await startFalseBroker();
  await run('npx', ['tsx', 'scripts/build-client.ts', join(home, 'package')]);
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', home, join(home, 'package')]);
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "name": "project", "private": true, "type": "module" }');
  // Offline: whatever it needs has to be in it.
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', join(home, filename)], { cwd: project });
  nodes = [process.execPath, (await nodeOfImage()).path];
}, 600_000);
afterAll(async () => {
  await broker.stop();
  rmSync(home, { recursive: true, force: true });
});

const program = `
import { connect, formatAmount, isCode, WorldLandError } from 'worldland';
import * as forNode from 'worldland/node';
const wl = connect({ api: process.argv[2], retries: 0 });
const site = await wl.site();
const session = await wl.login({ wallet: await forNode.keystoreAccount(process.argv[3], 'testpassword') }).catch((e) => e);
console.log(JSON.stringify({
  version: process.versions.node,
  name: site.name,
  amount: formatAmount('1500000000000000000', site.token),
  refused: isCode(session, 'scope_denied') && session instanceof WorldLandError,
  same: forNode.connect === connect,
}));
`;

/** The example of the specification (https://ethereum.org/en/developers/docs/data-structures-and-encoding/web3-secret-storage). */
const keystore = JSON.stringify({
  crypto: {
    cipher: 'aes-128-ctr',
    cipherparams: { iv: '6087dab2f9fdbbfaddc31a909735c1e6' },
    ciphertext: '5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46',
    kdf: 'pbkdf2',
    kdfparams: {
      c: 262_144,
      dklen: 32,
      prf: 'hmac-sha256',
      salt: 'ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd',
    },
    mac: '517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2',
  },
  id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
  version: 3,
});

test('the package works where it was installed from a file, without a registry, on this Node and on the image’s', async () => {
  writeFileSync(join(project, 'use.js'), program);
  const token = { symbol: 'WLC', decimals: 18 };
  for (const node of nodes) {
    broker.answer(json(200, { name: 'Test', token }), problem(403, 'scope_denied'));
    const { stdout, stderr } = await run(node, ['use.js', broker.url, keystore], { cwd: project });
    expect(stderr).toBe('');
    const { version, ...said } = JSON.parse(stdout) as { version: string };
    process.stderr.write(`  the package works on Node ${version}\n`);
    expect(said).toEqual({ name: 'Test', amount: '1.5 WLC', refused: true, same: true });
  }
}, 300_000);

test('its types are complete for a project that has nothing else', async () => {
  const source = `
import { connect, isCode, type Job, type WorldLand } from 'worldland';
import { fileStore } from 'worldland/node';
const wl: WorldLand = connect({ api: 'https://b.example', store: fileStore('/tmp/x') });
export const jobs: Promise<Job[]> = wl.jobs.list({ status: 'active' }).all(5);
export const me: Promise<string> = wl.request('GET', '/api/v1/auth/me').then(({ body }) => body.wallet);
export const free = (e: unknown) => (isCode(e, 'no_capacity') ? e.data.free : undefined);
// @ts-expect-error there is no such field
void wl.jobs.create({ gpus: 1 });
`;
  writeFileSync(join(project, 'use.ts'), source);
  const compilerOptions = {
    ...{ noEmit: true, strict: true, target: 'es2022', module: 'nodenext', types: [] },
    lib: ['es2023', 'dom', 'dom.iterable'],
  };
  writeFileSync(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }));
  const typescript = resolve('node_modules/typescript/bin/tsc');
  const told = await run(process.execPath, [typescript], { cwd: project }).catch((error: { stdout: string }) => error);
  expect(told.stdout).toBe('');
});

test('its programs start on both, and use nothing that Node will take away', async () => {
  for (const node of nodes) {
    for (const program of ['wl', 'worldland', 'provider-agent']) {
      const args = ['--throw-deprecation', join(project, 'node_modules/.bin', program), '--help'];
      const { stdout, stderr } = await run(node, args, { cwd: project });
      expect(stderr).toBe('');
      expect(stdout).toContain(program === 'provider-agent' ? 'provider-agent' : 'wl');
    }
  }
}, 120_000);
