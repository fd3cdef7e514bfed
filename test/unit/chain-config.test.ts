import { describe, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, readConfig } from '../../src/config.js';
import { chainSettings } from '../../src/config/chain.js';
import { createLogger } from '../../src/observability/logger.js';

const key = `0x${'1f'.repeat(32)}`;
const vault = `0x${'Ab'.repeat(20)}`;
const whole = {
  ENABLE_BLOCKCHAIN: 'true',
  BLOCKCHAIN_RPC_URL: 'https://one.example.com/v3/secret-path, https://two.example.com',
  BLOCKCHAIN_CHAIN_ID: '97',
  VAULT_ADDRESS: vault,
  BACKEND_PRIVATE_KEY: key,
  RECEIPT_PRIVATE_KEY: `0x${'2e'.repeat(32)}`,
};
const production = { ...whole, NODE_ENV: 'production', AUTH_AUDIENCE: 'https://broker.example.com' };

function problemOf(env: Record<string, string>): string {
  try {
    readConfig(env);
    return '';
  } catch (error) {
    return error instanceof ConfigError ? error.message : String(error);
  }
}

describe('a site with a chain', () => {
  test('its settings are read together, with what it does not name', () => {
    expect(chainSettings(readConfig(whole))).toEqual({
      chainId: 97,
      vault: vault.toLowerCase(),
      rpcUrls: ['https://one.example.com/v3/secret-path', 'https://two.example.com'],
      operatorKey: key,
      finality: 'finalized',
      maxFeeWei: 100_000_000_000n,
      batchIntervalH: 24,
      pollS: 15,
      leastDeposit: 10n ** 16n,
      fromBlock: 0,
      isProduction: false,
    });
    const more = { ...whole, CHAIN_FINALITY: '30', MAX_FEE_GWEI: '0.5', BATCH_INTERVAL_H: '1' };
    expect(chainSettings(readConfig(more))).toMatchObject({ finality: 30, maxFeeWei: 500_000_000n, batchIntervalH: 1 });
    expect(problemOf(production)).toBe('');
  });

  test('has no job longer than a week, because it is paid for at its end; other sites have the longest that they set', () => {
    const longest = (env: Record<string, string>) => readConfig(env).JOB_MAX_DURATION_S;
    expect(longest(whole)).toBe(7 * 86_400);
    expect(longest({ ...whole, JOB_MAX_DURATION_S: '3600' })).toBe(3_600);
    expect(longest({})).toBe(30 * 86_400);
  });

  test.each([
    ['BLOCKCHAIN_RPC_URL', ''],
    ['BLOCKCHAIN_CHAIN_ID', ''],
    ['VAULT_ADDRESS', ''],
    ['BACKEND_PRIVATE_KEY', ''],
    ['RECEIPT_PRIVATE_KEY', ''],
    ['BLOCKCHAIN_RPC_URL', 'wss://one.example.com'],
    ['VAULT_ADDRESS', '0x1234'],
    ['BACKEND_PRIVATE_KEY', `0x${'0'.repeat(64)}`],
    ['CHAIN_FINALITY', 'safe'],
    ['CHAIN_FINALITY', '0'],
    ['MAX_FEE_GWEI', '0'],
    ['MAX_FEE_GWEI', '-1'],
    ['BATCH_INTERVAL_H', '0'],
    ['ENABLE_BLOCKCHAIN', 'perhaps'],
  ])('without a good %s (%j) it is refused by that name, and no value is repeated', (name, value) => {
    const problem = problemOf({ ...whole, [name]: value });
    expect(problem).toContain(`${name}: `);
    for (const secret of [key.slice(2), 'secret-path']) expect(problem).not.toContain(secret);
  });

  test('a process without the role worker needs none of the keys', () => {
    const keys = { BACKEND_PRIVATE_KEY: '', RECEIPT_PRIVATE_KEY: '' };
    expect(chainSettings(readConfig({ ...whole, ...keys, BROKER_ROLES: 'api' }))).toMatchObject({ chainId: 97 });
  });

  test('in production one host is not believed, even under two addresses, and a key that everybody knows is refused', () => {
    const oneHost = 'https://one.example.com/a,https://one.example.com:8545/b';
    expect(problemOf({ ...production, BLOCKCHAIN_RPC_URL: oneHost })).toMatch(/BLOCKCHAIN_RPC_URL: .* two hosts/);
    const known = '0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d';
    expect(problemOf({ ...production, BACKEND_PRIVATE_KEY: known })).toMatch(/BACKEND_PRIVATE_KEY: everybody/);
    expect(problemOf({ ...whole, BACKEND_PRIVATE_KEY: known })).toBe('');
  });

  test('the key that signs receipts signs nothing on a chain', () => {
    expect(problemOf({ ...whole, RECEIPT_PRIVATE_KEY: key })).toMatch(/BACKEND_PRIVATE_KEY: it signs receipts/);
  });
});

test('a site without a chain reads none of its variables, not even a key in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'chain-config-'));
  try {
    writeFileSync(join(folder, 'key'), key);
    for (const off of [{}, { ENABLE_BLOCKCHAIN: 'false' }]) {
      const config = readConfig({
        ...off,
        BACKEND_PRIVATE_KEY_FILE: join(folder, 'key'),
        VAULT_ADDRESS: 'of another program',
        BLOCKCHAIN_RPC_URL: 'localhost',
      });
      expect(config.BACKEND_PRIVATE_KEY).toBeUndefined();
      expect(chainSettings(config)).toBeUndefined();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('neither the key nor the addresses of nodes reach a log line', () => {
  const lines: string[] = [];
  const logger = createLogger({ LOG_LEVEL: 'info' }, 'worker', { write: (line) => void lines.push(line) });
  const config = readConfig(whole);
  logger.info({ config }, 'all of it');
  logger.info(chainSettings(config), 'the settings');
  expect(lines).toHaveLength(2);
  for (const secret of [key.slice(2), 'secret-path']) expect(lines.join('')).not.toContain(secret);
});
