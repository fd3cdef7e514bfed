import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { NativeConnection } from '@temporalio/worker';
import { readConfig } from '../../src/config.js';
import { migrate } from '../../src/db/migrate.js';
import { createPool } from '../../src/db/pool.js';
import { brokerEntryPoint } from '../../engines/broker.js';
import { startStack, type Stack } from '../../engines/stack.js';
import { unprivilegedAccount } from '../../engines/tools/unprivileged.js';
import { closeRedis, createRedis } from '../../src/redis/connection.js';
import { connectFailFast } from '../../src/redis/nonces.js';
import { checkTemporal, connectTemporal } from '../../src/temporal/client.js';
import { temporalConnection } from '../../src/temporal/connection-options.js';
import { certificateAuthority, type Authority, type Certificate } from '../support/certificates.js';
import { engineVariables } from '../support/config.js';
import { endpoint } from '../support/engines.js';
import { freePort } from '../support/free-port.js';
import { findSecrets } from '../support/secrets.js';
import { freshTemporal, type TestTemporal } from '../support/temporal.js';
import { temporalBehindTls } from '../support/tls-temporal.js';
import { until } from '../support/until.js';

const apiKey = 'an-api-key-for-temporal';
const folder = mkdtempSync(join(tmpdir(), 'broker-tls-'));
let stack: Stack;
let temporal: TestTemporal;
let door: Awaited<ReturnType<typeof temporalBehindTls>>;
let authority: Authority;
let stranger: Authority;
let client: Certificate;
/** How each is reached in the way it is meant. */
let redisEnv: Record<string, string>;
let postgresEnv: Record<string, string>;
let temporalEnv: Record<string, string>;

beforeAll(async () => {
  authority = certificateAuthority(folder, 'site');
  stranger = certificateAuthority(folder, 'stranger');
  client = authority.issue('postgres', 'DNS:broker');
  const server = authority.issue('server', 'DNS:localhost,IP:127.0.0.1');
  [stack, temporal] = await Promise.all([
    startStack({ dataDir: join(folder, 'stack'), isTemporary: true, engines: ['postgres', 'redis'] }),
    freshTemporal(),
  ]);
  const postgres = new URL(stack.endpoints().postgres!);
  postgresEnv = {
    POSTGRES_HOST: 'localhost',
    POSTGRES_PORT: postgres.port,
    POSTGRES_DB: postgres.pathname.slice(1),
    POSTGRES_USER: postgres.username,
    POSTGRES_PASSWORD: postgres.password,
  };
  await postgresWithTls(server);
  const tlsPort = await freePort();
  await redisWithTls(server, tlsPort);
  door = await temporalBehindTls(endpoint('temporal'), { server, authority, apiKey });
  postgresEnv = {
    ...postgresEnv,
    POSTGRES_SSL_CA_FILE: authority.caFile,
    POSTGRES_SSL_CERT_FILE: client.certFile,
    POSTGRES_SSL_KEY_FILE: client.keyFile,
  };
  redisEnv = {
    REDIS_HOST: 'localhost',
    REDIS_PORT: String(tlsPort),
    REDIS_USERNAME: 'broker',
    REDIS_PASSWORD: new URL(stack.endpoints().broker_redis!).password,
    REDIS_TLS_CA_FILE: authority.caFile,
    REDIS_TLS_CERT_FILE: client.certFile,
    REDIS_TLS_KEY_FILE: client.keyFile,
  };
  temporalEnv = {
    TEMPORAL_ADDRESS: door.address,
    TEMPORAL_NAMESPACE: temporal.config.TEMPORAL_NAMESPACE,
    TEMPORAL_UPKEEP_NAMESPACE: temporal.config.TEMPORAL_UPKEEP_NAMESPACE,
    TEMPORAL_TLS_CA_FILE: authority.caFile,
    TEMPORAL_TLS_CERT_FILE: client.certFile,
    TEMPORAL_TLS_KEY_FILE: client.keyFile,
    TEMPORAL_API_KEY: apiKey,
  };
});
afterAll(async () => {
  door.close();
  await temporal.close();
  await stack.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The server asks everybody for TLS, and for a certificate that the authority signed for the user's name. */
async function postgresWithTls(server: Certificate): Promise<void> {
  const pool = createPool(readConfig(postgresEnv));
  const show = async (name: string) => (await pool.query<Record<string, string>>(`show ${name}`)).rows[0]![name]!;
  const data = await show('data_directory');
  const account = unprivilegedAccount();
  const files = { 'tls.crt': server.cert, 'tls.key': server.key, 'ca.crt': authority.ca };
  for (const [name, pem] of Object.entries(files)) {
    writeFileSync(join(data, name), pem, { mode: 0o600 });
    if (account !== undefined) chownSync(join(data, name), account.uid, account.gid);
  }
  await pool.query(`alter system set ssl_cert_file = 'tls.crt'`);
  await pool.query(`alter system set ssl_key_file = 'tls.key'`);
  await pool.query(`alter system set ssl_ca_file = 'ca.crt'`);
  await pool.query(`alter system set ssl = on`);
  writeFileSync(await show('hba_file'), 'hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-full\n');
  await pool.query('select pg_reload_conf()');
  await pool.end();
}

async function redisWithTls(server: Certificate, tlsPort: number): Promise<void> {
  const { port, username, password } = new URL(stack.endpoints().operator_redis!);
  const operator = { REDIS_PORT: port, REDIS_USERNAME: username, REDIS_PASSWORD: password };
  const redis = createRedis(readConfig(operator), { blocking: false });
  await redis.config('SET', 'tls-cert-file', server.certFile, 'tls-key-file', server.keyFile);
  await redis.config('SET', 'tls-ca-cert-file', authority.caFile, 'tls-port', String(tlsPort));
  closeRedis(redis);
}

const without = (env: Record<string, string>, ...names: string[]) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !names.some((each) => name.startsWith(each))));

describe('Postgres over TLS', () => {
  const ask = async (env: Record<string, string>): Promise<string> => {
    const pool = createPool(readConfig(env));
    try {
      const { rows } = await pool.query<{ ssl: boolean }>('select ssl from pg_stat_ssl where pid = pg_backend_pid()');
      return `TLS: ${rows[0]!.ssl}`;
    } catch (error) {
      return `${(error as Error).message} (${(error as { code?: string }).code})`;
    } finally {
      await pool.end();
    }
  };

  beforeAll(async () => {
    await until(async () => (await ask(postgresEnv)) === 'TLS: true', { name: 'Postgres reloads' });
  });

  test('the pool and the migrations use TLS to Postgres, with a certificate on both sides', async () => {
    await migrate(readConfig(postgresEnv));
    const pool = createPool(readConfig(postgresEnv));
    expect((await pool.query('select from jobs')).rowCount).toBe(0);
    await pool.end();
  });

  test('the certificate of Postgres is also checked against an address where the host is one', async () => {
    expect(await ask({ ...postgresEnv, POSTGRES_HOST: '127.0.0.1' })).toBe('TLS: true');
  });

  test('the broker does not talk to a Postgres whose certificate another authority signed', async () => {
    const answer = await ask({ ...postgresEnv, POSTGRES_SSL_CA_FILE: stranger.caFile });
    expect(answer).toMatch(/do not trust each other: .*(certificate|issuer).* \(dependency_unavailable\)/);
  });

  test('Postgres turns away a broker without a certificate of its own, which says why', async () => {
    expect(await ask(without(postgresEnv, 'POSTGRES_SSL_CERT', 'POSTGRES_SSL_KEY'))).toMatch(
      /valid client certificate/,
    );
  });
});

describe('Redis over TLS', () => {
  test('both kinds of connections use TLS to Redis, with a certificate on both sides', async () => {
    const config = readConfig(redisEnv);
    const [redis, failFast] = [createRedis(config, { blocking: false }), connectFailFast(config)];
    expect(await redis.ping()).toBe('PONG');
    await until(async () => (await failFast.ping().catch(() => '')) === 'PONG', { name: 'an answer' });
    closeRedis(redis);
    closeRedis(failFast);
  });

  test.each<[string, () => Record<string, string>, RegExp]>([
    ['by an address that is in the certificate', () => ({ ...redisEnv, REDIS_HOST: '127.0.0.1' }), /^PONG$/],
    ['not with another authority', () => ({ ...redisEnv, REDIS_TLS_CA_FILE: stranger.caFile }), /certificate|issuer/],
    [
      'not without a certificate of its own',
      () => without(redisEnv, 'REDIS_TLS_CERT', 'REDIS_TLS_KEY'),
      /certificate|ECONNRESET|EPIPE/,
    ],
  ])('Redis over TLS is reached %s', async (_, env, expected) => {
    const redis = createRedis(readConfig({ REDIS_TLS: 'true', ...env() }), {
      blocking: false,
      overrides: { maxRetriesPerRequest: 0 },
    });
    const error = once(redis, 'error') as Promise<[Error]>;
    error.catch(() => undefined);
    const answer = await Promise.race([
      redis.ping().catch(async () => (await error)[0].message),
      error.then(([e]) => e.message),
    ]);
    expect(answer).toMatch(expected);
    closeRedis(redis);
  });
});

describe('Temporal over TLS', () => {
  const answerTo = async (env: Record<string, string>): Promise<string> => {
    try {
      const connected = await connectTemporal(readConfig(env));
      await checkTemporal(connected);
      await connected.connection.close();
      return 'serves';
    } catch (error) {
      return (error as Error).message;
    }
  };

  test('the client and the worker use TLS to Temporal, with a certificate on both sides and an API key', async () => {
    expect(await answerTo(temporalEnv)).toBe('serves');
    const native = await NativeConnection.connect(temporalConnection(readConfig(temporalEnv)));
    await native.close();
  });

  test.each<[string, () => Record<string, string>, RegExp]>([
    [
      'another authority',
      () => ({ ...temporalEnv, TEMPORAL_TLS_CA_FILE: stranger.caFile }),
      /over TLS: .*(certificate|issuer)/,
    ],
    ['no certificate', () => without(temporalEnv, 'TEMPORAL_TLS_CERT', 'TEMPORAL_TLS_KEY'), /over TLS: .*certificate/],
    ['another name', () => ({ ...temporalEnv, TEMPORAL_TLS_SERVER_NAME: 'elsewhere' }), /over TLS: .*elsewhere/],
    [
      'another API key',
      () => ({ ...temporalEnv, TEMPORAL_API_KEY: 'another-key-that-is-long' }),
      /does not let the broker in: who are you/,
    ],
  ])('a connection to Temporal with %s fails with a sentence that says so', async (_, env, expected) => {
    const answer = await answerTo(env());
    expect(answer).toMatch(expected);
    expect(answer).not.toMatch(/another-key/);
  });
});

test('a whole broker runs over TLS, and its log has none of the secrets', async () => {
  const metricsPort = await freePort();
  const child = spawn(process.execPath, [brokerEntryPoint(process.env)], {
    env: {
      ...process.env,
      ...without(engineVariables(), 'REDIS', 'POSTGRES', 'TEMPORAL'),
      ...postgresEnv,
      ...redisEnv,
      ...temporalEnv,
      PROXY_PORT: '0',
      METRICS_PORT: String(metricsPort),
      LOG_LEVEL: 'debug',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (log += chunk.toString()));
  const exited = once(child, 'exit');
  try {
    const ready = async () =>
      (await fetch(`http://127.0.0.1:${metricsPort}/ready`).catch(() => undefined))?.ok === true;
    await until(ready, { timeoutMs: 150_000, name: 'the broker is ready' }).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${log}`);
    });
  } finally {
    child.kill('SIGTERM');
    await exited;
  }
  const secrets = {
    'API key': apiKey,
    'private key': readFileSync(client.keyFile, 'utf8').split('\n')[1]!,
    password: postgresEnv['POSTGRES_PASSWORD']!,
  };
  expect(findSecrets({ log }, secrets)).toEqual([]);
}, 210_000);
