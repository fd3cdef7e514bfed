import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { ConfigError, readConfig, type Config } from '../../src/config.js';
import { jobRequestSchema } from '../../src/domain/job-request.js';

const folder = mkdtempSync(join(tmpdir(), 'config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function problemOf(env: Record<string, string>): string {
  try {
    readConfig(env);
    return '';
  } catch (error) {
    return error instanceof ConfigError ? error.message : String(error);
  }
}

describe('a number', () => {
  // By hand: what a variable means is part of how a site is set up.
  test.each<[keyof Config, number, number, number]>([
    ['SHUTDOWN_GRACE_S', 20, 1, 600],
    ['WORKER_CACHED_WORKFLOWS', 300, 50, 100_000],
    ['JOIN_TOKEN_TTL_S', 900, 60, 86_400],
    ['JOB_MIN_DURATION_S', 60, 1, 86_400],
    ['JOB_MAX_DURATION_S', 2_592_000, 60, 31_536_000],
    ['JOB_WAIT_DEFAULT_S', 20, 0, 60],
    ['MINING_STORAGE_GB', 50, 1, 10_000],
    ['MAX_JOBS_PER_WALLET', 100, 1, 100_000],
    ['MAX_GPUS_PER_WALLET', 256, 1, 100_000],
    ['MAX_STARTING_JOBS_PER_WALLET', 5, 1, 100_000],
    ['HEARTBEAT_TIMEOUT_S', 90, 3, 3_600],
    ['PROVIDER_LOSS_GRACE_S', 300, 1, 86_400],
    ['AUTH_MAX_SKEW_S', 60, 5, 300],
    ['AUTH_CHALLENGE_TTL_S', 300, 30, 3_600],
    ['AUTH_SESSION_TTL_S', 86_400, 60, 604_800],
    ['AUTH_SESSION_TTL_MAX_S', 604_800, 60, 31_536_000],
    ['AUTH_TOKEN_TTL_S', 3_600, 60, 86_400],
    ['AUTH_TOKEN_TTL_MAX_S', 86_400, 60, 604_800],
    ['RATE_LIMIT_READS', 300, 1, 10_000_000],
    ['RATE_LIMIT_WRITES', 60, 1, 10_000_000],
    ['RATE_LIMIT_JOBS', 10, 1, 10_000_000],
    ['METRICS_PORT', 0, 0, 65_535],
    ['PROXY_PORT', 8080, 0, 65_535],
  ])('%s is %i unless it is set, and from %i to %i', (name, byDefault, least, most) => {
    expect(readConfig({})[name]).toBe(byDefault);
    expect(readConfig({ [name]: '' })[name]).toBe(byDefault);
    expect(readConfig({ [name]: String(least) })[name]).toBe(least);
    expect(readConfig({ [name]: String(most) })[name]).toBe(most);
    for (const value of [least - 1, most + 1, least + 0.5, 'many']) {
      expect(problemOf({ [name]: String(value) })).toContain(`${name}:`);
    }
  });
});

describe('a flag', () => {
  test.each<[keyof Config, boolean]>([
    ['TRUST_PROXY', false],
    ['WORKER_VERSIONING', true],
    ['ENABLE_TENANT_ISOLATION', true],
    ['JOB_USER_NAMESPACES', true],
    ['IMAGE_REQUIRE_DIGEST', false],
    ['ALLOW_INSECURE_PROVIDERS', false],
    ['AUTH_SMART_WALLETS', false],
  ])('%s is %s unless it is set', (name, byDefault) => {
    const rest = { AUTH_RPC_URL: 'http://localhost:8545' };
    expect(readConfig({})[name]).toBe(byDefault);
    for (const text of ['true', '1', 'yes', ' TRUE ']) expect(readConfig({ ...rest, [name]: text })[name]).toBe(true);
    for (const text of ['false', '0', 'no', 'False']) expect(readConfig({ [name]: text })[name]).toBe(false);
    expect(problemOf({ [name]: 'maybe' })).toContain(`${name}:`);
  });
});

test.each<[Record<string, string>, Partial<Config>]>([
  [{ WORKER_DEPLOYMENT_NAME: 'site-2' }, { WORKER_DEPLOYMENT_NAME: 'site-2' }],
  [{}, { WORKER_DEPLOYMENT_NAME: 'broker', AUTH_CHAIN_IDS: [1], IMAGE_ALLOWLIST: [], ALLOWED_ORIGINS: [] }],
  [{ BUILD_ID: '0.2.0-rc.1' }, { BUILD_ID: '0.2.0-rc.1' }],
  [{ JOB_RUNTIME_CLASS: 'nvidia' }, { JOB_RUNTIME_CLASS: 'nvidia' }],
  [{ POSTGRES_SSL_MODE: 'require' }, { POSTGRES_SSL_MODE: 'require' }],
  [{ REDIS_TLS: 'true' }, { REDIS_TLS: true }],
  [{ METRICS_HOST: '0.0.0.0' }, { METRICS_HOST: '0.0.0.0' }],
  // The chain that jobs are paid on is the one that wallets are on, unless the list says others.
  [{ BLOCKCHAIN_CHAIN_ID: '5' }, { AUTH_CHAIN_IDS: [5] }],
  [{ BLOCKCHAIN_CHAIN_ID: '5', AUTH_CHAIN_IDS: '1, 7' }, { AUTH_CHAIN_IDS: [1, 7] }],
  [{ AUTH_AUDIENCE: 'https://Broker.example.com/path' }, { AUTH_AUDIENCE: 'https://broker.example.com' }],
  [{ ADMIN_WALLETS: '0xAB, 0xCD' }, { ADMIN_WALLETS: ['0xab', '0xcd'] }],
  [{ NODE_ENV: 'production', AUTH_AUDIENCE: 'https://b.example.com' }, { ALLOW_FREE_JOBS: false }],
  [{}, { ALLOW_FREE_JOBS: true }],
])('the environment %j is read as %j', (env, expected) => {
  expect(readConfig(env)).toMatchObject(expected);
});

test.each<[Record<string, string>, string]>([
  [{ WORKER_DEPLOYMENT_NAME: 'a b' }, 'WORKER_DEPLOYMENT_NAME'],
  [{ BUILD_ID: 'a/b' }, 'BUILD_ID'],
  [{ POSTGRES_SSL_MODE: 'prefer' }, 'POSTGRES_SSL_MODE'],
  [{ AUTH_CHAIN_IDS: '1,x' }, 'AUTH_CHAIN_IDS'],
  [{ AUTH_CHAIN_IDS: '0' }, 'AUTH_CHAIN_IDS'],
  [{ AUTH_AUDIENCE: 'ftp://broker.example.com' }, 'AUTH_AUDIENCE'],
  [{ AUTH_TARGET_PREFIX: 'broker/' }, 'AUTH_TARGET_PREFIX'],
  [{ AUTH_SMART_WALLETS: 'true' }, 'AUTH_RPC_URL'],
  [{ AUTH_RPC_URL: 'not a url' }, 'AUTH_RPC_URL'],
  [{ NODE_ENV: 'production' }, 'AUTH_AUDIENCE'],
  [{ BROKER_ROLES: 'api,cook' }, 'BROKER_ROLES'],
])('the environment %j is rejected, naming %s', (env, name) => {
  expect(problemOf(env)).toContain(`${name}`);
});

describe('a variable from a file', () => {
  test('a variable’s _FILE has the file’s contents without the trailing line break', () => {
    const path = join(folder, 'password');
    writeFileSync(path, 'from a file\n');
    expect(readConfig({ REDIS_PASSWORD_FILE: path }).REDIS_PASSWORD).toBe('from a file');
    // What is given itself goes before the file, and an empty name is none.
    expect(readConfig({ REDIS_PASSWORD: 'given', REDIS_PASSWORD_FILE: path }).REDIS_PASSWORD).toBe('given');
    expect(readConfig({ REDIS_PASSWORD_FILE: '' }).REDIS_PASSWORD).toBeUndefined();
  });

  test('a variable’s _FILE that cannot be read is rejected by name', () => {
    expect(problemOf({ POSTGRES_PASSWORD_FILE: join(folder, 'none') })).toMatch(/^POSTGRES_PASSWORD_FILE: /);
  });
});

test('several configuration problems are reported at once, without any value', () => {
  const problem = problemOf({ PROXY_PORT: 'secret-1', AUTH_MAX_SKEW_S: 'secret-2' });
  expect(problem).toMatch(/PROXY_PORT: .*\n.*AUTH_MAX_SKEW_S: /);
  expect(problem).not.toMatch(/secret/);
});

describe('what a site says of orders', () => {
  const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test';
  const parse = (env: Record<string, string>, order: object) => {
    const config = readConfig(env);
    return jobRequestSchema({
      defaultImage: config.JOB_DEFAULT_IMAGE,
      images: { allowlist: config.IMAGE_ALLOWLIST, requireDigest: config.IMAGE_REQUIRE_DIGEST },
      templates: [],
      minDurationS: config.JOB_MIN_DURATION_S,
      maxDurationS: config.JOB_MAX_DURATION_S,
    }).safeParse({ ssh_public_keys: [sshKey], ...order });
  };

  test('the default image is used for jobs that name none', () => {
    const env = { JOB_DEFAULT_IMAGE: 'docker.io/library/debian:12' };
    expect(parse(env, {}).data).toMatchObject({ image: 'docker.io/library/debian:12' });
  });

  test('the bounds of a job’s duration are exact to the second', () => {
    const env = { JOB_MAX_DURATION_S: '3600', JOB_MIN_DURATION_S: '1800' };
    const durations = [0.499, 0.5, 1, 1.001];
    expect(durations.map((duration_hours) => parse(env, { duration_hours }).success)).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });

  test('the allowlist decides which images jobs may run', () => {
    const env = { IMAGE_ALLOWLIST: 'docker.io/library/*, ghcr.io/site/train' };
    const images = ['debian:12', 'ghcr.io/site/train:2', 'ghcr.io/site/other:2', 'docker.io/other/debian:12'];
    expect(images.map((image) => parse(env, { image }).success)).toEqual([true, true, false, false]);
    const digest = `debian@sha256:${'0'.repeat(64)}`;
    const strict = { IMAGE_REQUIRE_DIGEST: 'true' };
    expect([digest, 'debian:12'].map((image) => parse(strict, { image }).success)).toEqual([true, false]);
  });
});
