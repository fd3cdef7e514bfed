import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { claimNamespace } from '../../src/db/tenants.js';
import { newJobId } from '../../src/api/job-id.js';
import { newWallet, startApi, type Api } from '../support/api.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { namespaceOf } from '../support/tenants.js';

const path = '/api/v1/admin/tenants';
const operator = newWallet();
const wallet = newWallet().address.toLowerCase();
const namespace = namespaceOf(wallet);
let database: TestDatabase;
let redis: TestRedis;
let api: Api;
beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
  api = await startApi({ database, redis, env: { ADMIN_WALLETS: operator.address } });
  const jobId = newJobId();
  await database.pool.query('insert into tenants (namespace, wallet) values ($1, $2)', [namespace, wallet]);
  expect(await claimNamespace(database.pool, jobId, namespace)).toBeUndefined();
});
afterAll(async () => {
  await api.stop();
  await redis.close();
  await database.close();
});

test('an operator finds the customer of a namespace, and the namespaces of a customer', async () => {
  const admin = await api.login({ account: operator, scopes: ['admin'] });
  const found = { status: 200, body: { tenants: [{ namespace, wallet }] } };
  expect(await admin.request('GET', `${path}?namespace=${namespace}`)).toMatchObject(found);
  expect(await admin.request('GET', `${path}?wallet=${wallet}`)).toMatchObject(found);
  expect(
    await admin.request('GET', `${path}?wallet=${wallet.replace('0x', '0x').toUpperCase().replace('0X', '0x')}`),
  ).toMatchObject(found);
  const before = `tenant-${wallet}`;
  expect(await admin.request('GET', `${path}?namespace=${before}`)).toMatchObject({
    body: { tenants: [{ namespace: before, wallet }] },
  });
  expect(await admin.request('GET', `${path}?wallet=${newWallet().address}`)).toMatchObject({ body: { tenants: [] } });
  expect(await admin.request('GET', `${path}?namespace=tenant-00`)).toMatchObject({
    status: 200,
    body: { tenants: [] },
  });
});

test('a search for a tenant needs exactly one valid wallet or namespace', async () => {
  const admin = await api.login({ account: operator, scopes: ['admin'] });
  for (const query of [
    '',
    `?wallet=${wallet}&namespace=${namespace}`,
    '?wallet=0x12',
    '?namespace=kube-system',
    '?of=me',
  ]) {
    expect(await admin.request('GET', `${path}${query}`)).toMatchObject({ status: 422 });
  }
});

test('only an operator may search for tenants', async () => {
  const customer = await api.login({ scopes: ['jobs:read'] });
  expect(await customer.request('GET', `${path}?wallet=${wallet}`)).toMatchObject({ status: 403 });
});
