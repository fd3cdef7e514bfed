import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { ConfigError, readConfig } from '../../src/config.js';
import { certificateAuthority } from '../support/certificates.js';

const folder = mkdtempSync(join(tmpdir(), 'broker-tls-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const authority = certificateAuthority(folder);
const broker = authority.issue('broker', 'DNS:broker');
const other = authority.issue('other', 'DNS:other');

function problemsOf(env: Record<string, string>): string {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
  }
  return '';
}

describe('TLS settings', () => {
  test('TLS is off everywhere unless one of its settings is given', () => {
    expect(readConfig({})).toMatchObject({ REDIS_TLS: false, POSTGRES_SSL_MODE: 'disable', TEMPORAL_TLS: false });
  });

  test('TLS is on, with all checks, where a CA is named', () => {
    const config = readConfig({
      REDIS_TLS_CA_FILE: authority.caFile,
      POSTGRES_SSL_CA: authority.ca,
      TEMPORAL_TLS_CA: authority.ca,
    });
    expect(config).toMatchObject({ REDIS_TLS: true, POSTGRES_SSL_MODE: 'verify-full', TEMPORAL_TLS: true });
    expect(config.REDIS_TLS_CA).toBe(authority.ca.trim());
  });

  test('TLS to Temporal is on where an API key or the name of the server is given', () => {
    expect(readConfig({ TEMPORAL_API_KEY: 'a-key' }).TEMPORAL_TLS).toBe(true);
    expect(readConfig({ TEMPORAL_TLS_SERVER_NAME: 'temporal' }).TEMPORAL_TLS).toBe(true);
  });

  test('TLS is on where a certificate is given with its key, even from files and with several certificates in one', () => {
    const config = readConfig({
      TEMPORAL_TLS_CERT_FILE: broker.certFile,
      TEMPORAL_TLS_KEY_FILE: broker.keyFile,
      REDIS_TLS_CA: `${authority.ca}${other.cert}`,
    });
    expect(config).toMatchObject({ TEMPORAL_TLS: true, TEMPORAL_TLS_KEY: broker.key.trim(), REDIS_TLS: true });
  });
});

describe('TLS settings that cannot work', () => {
  test.each<[string, Record<string, string>, RegExp]>([
    ['a certificate without its key', { REDIS_TLS_CERT: broker.cert }, /REDIS_TLS_KEY: required with REDIS_TLS_CERT/],
    ['a key without its certificate', { POSTGRES_SSL_KEY: broker.key }, /POSTGRES_SSL_CERT: required/],
    [
      'the role that the cluster asks, without a certificate',
      { BROKER_ROLES: 'authorizer' },
      /AUTHORIZER_TLS_CERT: required for the role authorizer/,
    ],
    [
      'a certificate for it, but not who may ask',
      { AUTHORIZER_TLS_CERT: broker.cert, AUTHORIZER_TLS_KEY: broker.key },
      /AUTHORIZER_CLIENT_CA: required with AUTHORIZER_TLS_CERT/,
    ],
    ['who may ask, but no certificate', { AUTHORIZER_CLIENT_CA: authority.ca }, /AUTHORIZER_TLS_CERT: required/],
    ['a key for it alone', { AUTHORIZER_TLS_KEY: broker.key }, /AUTHORIZER_TLS_CERT: required/],
    [
      'a key of another certificate',
      { TEMPORAL_TLS_CERT: broker.cert, TEMPORAL_TLS_KEY: other.key },
      /TEMPORAL_TLS_KEY: is not the key of TEMPORAL_TLS_CERT/,
    ],
    ['a CA that is a key', { REDIS_TLS_CA: broker.key }, /REDIS_TLS_CA: must be certificates in PEM/],
    ['a CA that is a path', { POSTGRES_SSL_CA: authority.caFile }, /POSTGRES_SSL_CA: must be certificates in PEM/],
    [
      'one broken certificate among good ones',
      { REDIS_TLS_CA: `${authority.ca}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----` },
      /REDIS_TLS_CA: must be certificates/,
    ],
    [
      'a key that is none',
      { REDIS_TLS_CERT: broker.cert, REDIS_TLS_KEY: broker.cert },
      /REDIS_TLS_KEY: must be a private key/,
    ],
    ['a CA while TLS is off', { REDIS_TLS: 'false', REDIS_TLS_CA: authority.ca }, /REDIS_TLS_CA: is of no use/],
    [
      'a CA that nobody looks at',
      { POSTGRES_SSL_MODE: 'require', POSTGRES_SSL_CA: authority.ca },
      /POSTGRES_SSL_MODE: only verify-full/,
    ],
    [
      'an API key that would travel in the clear',
      { TEMPORAL_TLS: 'false', TEMPORAL_API_KEY: 'a-key-of-ours' },
      /TEMPORAL_API_KEY: is of no use while TLS is off/,
    ],
    ['an API key with a line break', { TEMPORAL_API_KEY: 'a-key-\nof-ours' }, /TEMPORAL_API_KEY: must be one word/],
    ['a file that is not there', { REDIS_TLS_CA_FILE: join(folder, 'none') }, /REDIS_TLS_CA_FILE: cannot be read/],
  ])('settings that cannot work are invalid, and named without their values: %s', (_, env, problem) => {
    const said = problemsOf(env);
    expect(said).toMatch(problem);
    expect(said).not.toMatch(/PRIVATE KEY|a-key/);
  });
});

test('a process has the role that the cluster asks where it has a certificate for it, unless it is told its roles', () => {
  const authorizer = {
    AUTHORIZER_TLS_CERT: broker.cert,
    AUTHORIZER_TLS_KEY: broker.key,
    AUTHORIZER_CLIENT_CA: authority.ca,
  };
  expect(readConfig({}).BROKER_ROLES).not.toContain('authorizer');
  expect(readConfig(authorizer).BROKER_ROLES).toContain('authorizer');
  expect(readConfig({ ...authorizer, BROKER_ROLES: 'api' }).BROKER_ROLES).toEqual(['api']);
});
