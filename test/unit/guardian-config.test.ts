import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readGuardianSettings } from '../../src/guardian/config.js';
import { openMemory } from '../../src/guardian/memory.js';

const key = '1f'.repeat(32);
const vault = `0x${'ab'.repeat(20)}` as const;
const whole = {
  GUARDIAN_RPC_URL: 'https://one.example.com/v3/secret-path, https://two.example.com',
  GUARDIAN_CHAIN_ID: '97',
  GUARDIAN_VAULT: `0x${'Ab'.repeat(20)}`,
  GUARDIAN_PRIVATE_KEY: key,
  GUARDIAN_BROKER_URL: 'https://broker.example.com',
  GUARDIAN_DATA: '/var/lib/guardian',
};

describe('a guardian’s settings', () => {
  test('are read with what they do not name', () => {
    expect(readGuardianSettings(whole)).toMatchObject({
      ...{ isProduction: true, chainId: 97, vault, marginS: 3_600, pollS: 15 },
      ...{ issuer: { audience: 'https://broker.example.com', chainId: 97 } },
      status: { METRICS_HOST: '127.0.0.1', METRICS_PORT: 9_470 },
    });
  });

  test.each([
    [{ GUARDIAN_RPC_URL: 'https://one.example.com' }, 'name two nodes'],
    [{ GUARDIAN_RPC_URL: 'https://one.example.com,https://one.example.com/b' }, 'on two hosts'],
    [{ GUARDIAN_RPC_URL: 'ftp://one.example.com' }, 'GUARDIAN_RPC_URL: must be URLs'],
    [{ GUARDIAN_PRIVATE_KEY: '' }, 'give the guardian’s key'],
    [
      { GUARDIAN_PRIVATE_KEY: '5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a' },
      'everybody knows this key',
    ],
    [{ GUARDIAN_VAULT: '0x12' }, 'GUARDIAN_VAULT: must be an address'],
    [{ GUARDIAN_BROKER_URL: 'http://broker.example.com' }, 'begins with https'],
    [{ BACKEND_PRIVATE_KEY: key }, 'BACKEND_PRIVATE_KEY: these are of the broker'],
    [{ POSTGRES_HOST: 'db' }, 'POSTGRES_HOST: these are of the broker'],
    [
      { GUARDIAN_PRIVATE_KEY: '', GUARDIAN_PRIVATE_KEY_FILE: '/nowhere/key' },
      'GUARDIAN_PRIVATE_KEY_FILE: cannot be read',
    ],
    [{ GUARDIAN_DATA: '' }, 'GUARDIAN_DATA'],
  ])('are refused with %j', (change, sentence) => {
    expect(() => readGuardianSettings({ ...whole, ...change })).toThrow(sentence);
    expect(() => readGuardianSettings({ ...whole, ...change })).not.toThrow(key);
  });
});

describe('what a guardian remembers', () => {
  let settings: { dataDir: string; chainId: number; vault: typeof vault };
  beforeEach(() => void (settings = { dataDir: mkdtempSync(join(tmpdir(), 'guardian-')), chainId: 97, vault }));
  afterEach(() => rmSync(settings.dataDir, { recursive: true }));

  test('is there after a restart, and no half of it ever', () => {
    const memory = openMemory(settings);
    memory.change({ since: 3 });
    memory.decide({ number: 4, hash: `0x${'4'.repeat(64)}`, verdict: 'vetoed', atMs: 1, reasons: ['why'] });
    expect(openMemory(settings).now).toEqual(memory.now);
    expect(readdirSync(settings.dataDir)).toEqual(['memory.json']);
  });

  test('is of one vault, and refused when it is damaged', () => {
    openMemory(settings).change({ since: 3 });
    expect(() => openMemory({ ...settings, chainId: 1 })).toThrow('name another folder');
    writeFileSync(join(settings.dataDir, 'memory.json'), '{"version":1');
    expect(() => openMemory(settings)).toThrow('is damaged');
  });
});
