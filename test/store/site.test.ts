import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { recordCaHash } from '../../src/db/installation.js';
import { newWallet, startApi, type Api } from '../support/api.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider } from '../support/fleet.js';
import { freshRedis, type TestRedis } from '../support/redis.js';

let database: TestDatabase;
let redis: TestRedis;
let api: Api;
const env = {
  ...{
    SITE_NAME: 'A test',
    TOKEN_SYMBOL: 'TST',
    AUTH_TARGET_PREFIX: '/broker',
    ALLOWED_ORIGINS: 'https://console.example',
  },
  IMAGE_ALLOWLIST: 'docker.io/pytorch/*',
};
beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
  api = await startApi({ database, redis, env });
});
afterAll(async () => {
  await api.stop();
  await Promise.all([database.close(), redis.close()]);
});

test('the site says what a client has to know, as it is configured', async () => {
  const { json } = await api.send('GET', '/api/v1/site');
  expect(json).toMatchObject({
    ...{ name: 'A test', version: expect.stringMatching(/^\d+\.\d+\.\d+/), audience: 'https://broker.example.com' },
    token: { symbol: 'TST', decimals: 18, settlement: 'ledger' },
    auth: { chain_ids: [1], session_ttl_s: 86_400, session_ttl_max_s: 604_800, smart_wallets: false },
    jobs: {
      defaults: { cpu_cores: 4, memory_gb: 16, storage_gb: 20, duration_hours: 1 },
      image_allowlist: ['docker.io/pytorch/*'],
      templates: [{ id: 'pytorch', name: 'PyTorch', image: expect.stringMatching(/^docker\.io\/pytorch\//) }],
    },
    providers: { auth_mode: 'required', ca_hash: null, loss_grace_s: 300 },
    broker_keys: { key: expect.stringMatching(/^0x/) },
  });
  expect(json.features).toEqual(expect.arrayContaining(['offers', 'market', 'quotes']));
});

test('the site tells the cluster that a worker found, as soon as one has', async () => {
  const hash = `sha256:${'a'.repeat(64)}`;
  await recordCaHash(database.pool, hash);
  const another = await startApi({ database, redis, env });
  expect((await another.send('GET', '/api/v1/site')).json.providers.ca_hash).toBe(hash);
  await another.stop();
});

test('the front door sends a program to the description, and a browser to the console', async () => {
  const program = await api.send('GET', '/', { headers: { accept: '*/*' } });
  expect([program.status, program.json]).toEqual([
    200,
    {
      name: 'A test',
      console: 'https://broker.example.com/broker/console/',
      docs: 'https://broker.example.com/broker/docs/',
      openapi: 'https://broker.example.com/broker/openapi.json',
      site: 'https://broker.example.com/broker/api/v1/site',
    },
  ]);
  const response = await fetch(`${api.url}/`, {
    ...{ redirect: 'manual', headers: { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' } },
  });
  expect([response.status, response.headers.get('location'), response.headers.get('vary')]).toEqual([
    302,
    'console/',
    expect.stringMatching(/accept/i),
  ]);
});

test('a browser may resume a stream of events, and read the clock of the broker', async () => {
  const preflight = await api.send('OPTIONS', '/api/v1/site', {
    headers: {
      origin: 'https://console.example',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'last-event-id',
    },
  });
  expect(preflight.headers.get('access-control-allow-headers')).toContain('last-event-id');
  const { headers } = await api.send('GET', '/api/v1/site', { headers: { origin: 'https://console.example' } });
  expect(headers.get('access-control-expose-headers')).toContain('date');
});

test('a caller learns whether the wallet may be an operator, with whatever credential', async () => {
  const [operator, other] = [newWallet(), newWallet()];
  const its = await startApi({ database, redis, env: { ADMIN_WALLETS: operator.address } });
  const may = async (account: typeof operator) => {
    const session = await its.login({ account });
    return ((await session.request('GET', '/api/v1/auth/me')).body as { may_be_admin: boolean }).may_be_admin;
  };
  expect([await may(operator), await may(other)]).toEqual([true, false]);
  await its.stop();
});

test('a provider says why it is busy: cordoned, or full', async () => {
  await putProvider(database.pool, { providerId: 'cordoned' });
  await database.pool.query(`update providers set cordoned = true where provider_id = 'cordoned'`);
  await putProvider(database.pool, { providerId: 'full' });
  await database.pool.query(`update provider_resources set rented = total where provider_id = 'full' and kind = 'gpu'`);
  const read = async (id: string) => (await api.send('GET', `/api/v1/providers/${id}`)).json;
  expect(await read('cordoned')).toMatchObject({
    status: 'busy',
    cordoned: true,
    state_reason: 'cordoned: it takes no new jobs',
  });
  expect(await read('full')).toMatchObject({
    status: 'busy',
    cordoned: false,
    state_reason: 'all its GPUs are rented',
  });
});
