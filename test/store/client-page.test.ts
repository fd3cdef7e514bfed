import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { createCipheriv, pbkdf2Sync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { keccak256 } from 'viem';
import { generatePrivateKey } from 'viem/accounts';
import { audience, startApi, type Api } from '../support/api.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

const home = mkdtempSync(join(tmpdir(), 'client-page-'));
let database: TestDatabase;
let redis: TestRedis;
let api: Api;
beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
  api = await startApi({ database, redis });
});
afterAll(async () => {
  await api.stop();
  await Promise.all([database.close(), redis.close()]);
  rmSync(home, { recursive: true, force: true });
});

test('the examples of the page about the client are one program that runs', async () => {
  const blocks = [...readFileSync('docs/client.md', 'utf8').matchAll(/^```ts\n([^]*?)^```/gm)].map(([, code]) => code!);
  expect(blocks.length).toBeGreaterThan(4);
  const program = blocks
    .join('\n')
    // The API of the tests listens on another address than it calls itself.
    .replace('connect({ api:', `connect({ audience: '${audience}', api:`)
    .replace(`'worldland'`, `'${resolve('src/client/index.ts')}'`)
    .replace(`'worldland/node'`, `'${resolve('src/client/node.ts')}'`);
  const file = join(home, 'page.mts');
  writeFileSync(file, program);
  const env = {
    ...process.env,
    ...{ HOME: home, WORLDLAND_API: api.url, KEYSTORE: keystore('a password'), KEYSTORE_PASSWORD: 'a password' },
  };
  const { stdout } = await promisify(execFile)('npx', ['tsx', file], { env });
  expect(stdout).toContain('25 WLC');
  expect(stdout).toContain('ssh_public_keys');
  expect(stdout).toContain('1500000000000000000 1.5 WLC');
});

/** A keystore as a wallet writes it, with fewer rounds. */
function keystore(password: string): string {
  const salt = Buffer.alloc(32, 1);
  const iv = Buffer.alloc(16, 2);
  const derived = pbkdf2Sync(password, salt, 1_000, 32, 'sha256');
  const cipher = createCipheriv('aes-128-ctr', derived.subarray(0, 16), iv);
  const encrypted = Buffer.concat([cipher.update(Buffer.from(generatePrivateKey().slice(2), 'hex')), cipher.final()]);
  const mac = keccak256(Buffer.concat([derived.subarray(16, 32), encrypted])).slice(2);
  const kdfparams = { c: 1_000, dklen: 32, prf: 'hmac-sha256', salt: salt.toString('hex') };
  const cipherparams = { iv: iv.toString('hex') };
  const crypto = {
    cipher: 'aes-128-ctr',
    cipherparams,
    ciphertext: encrypted.toString('hex'),
    kdf: 'pbkdf2',
    kdfparams,
    mac,
  };
  return JSON.stringify({ version: 3, crypto });
}
