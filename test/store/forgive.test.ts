import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { recordFailure } from '../../src/db/provider-failures.js';
import { findProvider } from '../../src/db/provider-reads.js';
import { newWallet, startApi, type Api } from '../support/api.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider } from '../support/fleet.js';
import { freshRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';

const operator = newWallet();
let database: TestDatabase;
let redis: TestRedis;
let api: Api;
const announced: string[] = [];
/** Whether Temporal is up to receive the signal. */
let isAway = false;
beforeAll(async () => {
  [database, redis] = await Promise.all([freshDatabase(), freshRedis()]);
  const announcePlacement = async (providerId: string) => {
    if (isAway) throw new Error('no Temporal in this test');
    announced.push(providerId);
    return true;
  };
  api = await startApi({ database, redis, env: { ADMIN_WALLETS: operator.address }, commands: { announcePlacement } });
  for (const providerId of ['healthy', 'broken']) await putProvider(database.pool, { providerId });
});
afterAll(async () => {
  await api.stop();
  await redis.close();
  await database.close();
});

beforeEach(() => {
  isAway = false;
  announced.length = 0;
});

async function isOut(): Promise<void> {
  for (const digit of [1, 2, 3]) {
    const failure = { jobId: randomUUID(), attempt: 1, providerId: 'broken', reason: 'unschedulable' } as const;
    const policy = { PROVIDER_OUT_WALLETS: 3, PROVIDER_OUT_S: 600, CLUSTER_NODE_PORTS: 12_768 };
    await recordFailure(database.pool, { ...failure, wallet: `0x${String(digit).repeat(40)}` }, policy);
  }
  expect((await findProvider(database.pool, 'broken'))!.outUntil).toBeDefined();
}

test('an operator brings a provider that is out back at once, and its workflow is told', async () => {
  await isOut();
  const admin = await api.login({ account: operator, scopes: ['admin', 'providers:read'] });
  const shown = async () => (await admin.request('GET', '/api/v1/providers/broken')).body as Record<string, unknown>;
  expect((await shown())['not_offered_reason']).toMatch(/failed to start jobs of several customers \(unschedulable\)/);
  const forgiven = await admin.request('POST', '/api/v1/admin/providers/broken/forgive');
  expect(forgiven).toMatchObject({ status: 200, body: { provider_id: 'broken' } });
  // Public replies may be up to a second old.
  await until(async () => !('not_offered_reason' in (await shown())), { name: 'it is shown as offered' });
  expect(announced).toEqual(['broken']);
});

test('an operator can forgive a provider while Temporal is away', async () => {
  await isOut();
  isAway = true;
  const admin = await api.login({ account: operator, scopes: ['admin'] });
  expect(await admin.request('POST', '/api/v1/admin/providers/broken/forgive')).toMatchObject({ status: 200 });
  expect((await findProvider(database.pool, 'broken'))!.outUntil).toBeUndefined();
});

test('only an operator can forgive a provider, and only one that exists', async () => {
  const customer = await api.login({ scopes: ['providers:read', 'providers:write'] });
  const path = '/api/v1/admin/providers/broken/forgive';
  expect(await customer.request('POST', path)).toMatchObject({ status: 403 });
  const admin = await api.login({ account: operator, scopes: ['admin'] });
  expect(await admin.request('POST', path.replace('broken', 'nobody'))).toMatchObject({ status: 404 });
});
