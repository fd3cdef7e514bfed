import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { miningRoutes } from '../../src/api/routes/mining.js';
import { allocate } from '../../src/db/allocations.js';
import { miningRecord, recordMinerCounts, recordMiningPlan } from '../../src/db/mining.js';
import { freshDatabase, type TestDatabase } from '../support/database.js';
import { putProvider, testOrder } from '../support/fleet.js';
import { startTestApi, walletA, type TestApi } from '../unit/api-harness.js';

let database: TestDatabase;
let api: TestApi;
const announced: string[] = [];
const announceMining = (providerId: string) => {
  announced.push(providerId);
  return Promise.resolve(true);
};
beforeAll(async () => {
  database = await freshDatabase();
  const { pool } = database;
  const config = { MINING_IMAGE_ALLOWLIST: ['docker.io/miners/*'] };
  api = await startTestApi({ pool, config, routes: miningRoutes({ config, pool, announceMining }) });
});
afterAll(async () => {
  await api.stop();
  await database.close();
});

let providerId: string;
beforeEach(async () => {
  announced.length = 0;
  providerId = `rig-${randomUUID().slice(0, 8)}`;
  await putProvider(database.pool, { providerId });
  await database.pool.query('update providers set wallet_addr = $2 where provider_id = $1', [providerId, walletA]);
});

const path = (action = '') => `/api/v1/providers/${providerId}/mining${action}`;
const record = () => miningRecord(database.pool, providerId);
const image = 'docker.io/miners/one:1';

describe('mining of a provider', () => {
  test('mining of a provider is shown to everybody, and GPUs count as the job’s as soon as a job has them', async () => {
    await recordMiningPlan(database.pool, providerId, 8, '');
    await recordMinerCounts(database.pool, [{ providerId, running: 8, waiting: 0, failing: 0 }]);
    const place = { providerId, nodeName: providerId, gpuType: 'rtx-4090', gpuModel: 'RTX 4090', pricePerHour: 1 };
    const { rows } = await database.pool.query<{ name: string }>(
      `select name from provider_resources where provider_id = $1 and kind = 'gpu'`,
      [providerId],
    );
    const outcome = await allocate(database.pool, testOrder({ gpuCount: 3 }), { ...place, gpuType: rows[0]!.name });
    expect(outcome).toBe('allocated');
    expect((await api.send('GET', path())).json).toMatchObject({
      provider_id: providerId,
      mining_status: 'running',
      mining_gpu_count: 5,
      available_gpu_count: 5,
      resources: { gpu_count: 5 },
      miners: { wanted: 8 },
    });
  });

  test('a provider that does not mine says why', async () => {
    await recordMiningPlan(database.pool, providerId, 0, 'the provider is offline');
    expect((await api.send('GET', path())).json).toMatchObject({
      mining_status: 'stopped',
      reason: 'the provider is offline',
    });
  });

  test('mining is started by the provider’s owner with a configuration, and its workflow is told', async () => {
    const reply = await api.send('POST', path('/start'), { as: 'a-provider', json: { image, gpu_count: 4 } });
    expect(reply).toMatchObject({
      status: 200,
      json: { success: true, mining_status: { provider_id: providerId, enabled: true } },
    });
    expect(await record()).toMatchObject({ enabled: true, config: { image, gpuCount: 4 } });
    expect(announced).toEqual([providerId]);
  });

  test('mining keeps its configuration when start names none', async () => {
    await api.send('POST', path('/start'), { as: 'a-provider', json: { image, gpu_count: 4 } });
    await api.send('POST', path('/stop'), { as: 'a-provider' });
    expect(await record()).toMatchObject({ enabled: false });
    expect((await api.send('POST', path('/start'), { as: 'a-provider' })).status).toBe(200);
    expect(await record()).toMatchObject({ enabled: true, config: { image, gpuCount: 4 } });
  });

  test('a mining configuration that may not run is refused field by field, and changes nothing', async () => {
    const json = { image: 'docker.io/strangers/miner:1', env_vars: { LD_PRELOAD: '/x.so' } };
    const reply = await api.send('POST', path('/start'), { as: 'a-provider', json });
    expect(reply).toMatchObject({ status: 422, json: { code: 'validation_failed' } });
    expect(reply.json.errors.map(({ field }: { field: string }) => field)).toEqual(['image', 'env_vars.LD_PRELOAD']);
    expect(await record()).toMatchObject({ config: null });
    expect(announced).toEqual([]);
  });

  test.each(['start', 'stop', 'allocate', 'release'])(
    'another wallet that tries to %s mining of a provider is told that the provider does not exist',
    async (action) => {
      const reply = await api.send('POST', path(`/${action}`), { as: 'b-provider', json: { gpu_count: 1 } });
      expect(reply).toMatchObject({ status: 404, json: { code: 'provider_not_found' } });
      expect(announced).toEqual([]);
    },
  );

  test('mining is not changed by a session without the scope, or by a caller without a session', async () => {
    expect(await api.send('POST', path('/stop'), { as: 'a' })).toMatchObject({
      status: 403,
      json: { code: 'scope_denied' },
    });
    expect(await api.send('POST', path('/stop'))).toMatchObject({ status: 401 });
    expect(await record()).toMatchObject({ enabled: true });
  });

  test('an operator can stop mining', async () => {
    expect((await api.send('POST', path('/stop'), { as: 'operator' })).status).toBe(200);
    expect(await record()).toMatchObject({ enabled: false });
  });

  test.each(['allocate', 'release'])('%s leaves mining as it is, and says how it stands', async (action) => {
    const before = await record();
    const reply = await api.send('POST', path(`/${action}`), {
      as: 'a-provider',
      json: { gpu_count: 2, reason: 'auto-scale' },
    });
    expect(reply).toMatchObject({ status: 200, json: { mining_status: { mining_gpu_count: 0 } } });
    expect(await record()).toEqual(before);
    expect(announced).toEqual([]);
  });
});

test('mining metrics add up over all providers, and no GPU that a job has counts as mined', async () => {
  await database.pool.query('truncate allocations, providers cascade');
  const put = async (id: string, miners: [running: number, waiting: number, failing: number], rented: number) => {
    await putProvider(database.pool, { providerId: id });
    const [running, waiting, failing] = miners;
    if (running + waiting + failing > 0) await recordMiningPlan(database.pool, id, running + waiting + failing, '');
    await recordMinerCounts(database.pool, [{ providerId: id, running, waiting, failing }]);
    const place = { providerId: id, nodeName: id, gpuType: 'rtx-4090', pricePerHour: 1 };
    if (rented > 0) await allocate(database.pool, testOrder({ gpuCount: rented }), place);
  };
  await put('one', [5, 2, 1], 0);
  await put('two', [8, 0, 0], 5);
  await put('three', [0, 0, 0], 3);
  await put('four', [0, 0, 2], 8);
  // Counts are cached for a second, so use a provider that was not asked before.
  const { pool } = database;
  const config = { MINING_IMAGE_ALLOWLIST: [] };
  const fresh = await startTestApi({ pool, config, routes: miningRoutes({ config, pool, announceMining }) });
  try {
    expect((await fresh.send('GET', '/api/v1/mining/metrics')).json).toEqual({
      total_providers: 4,
      total_mining_providers: 3,
      total_mining_gpus: 8,
      running_mining_pods: 8,
      waiting_mining_pods: 2,
      failing_mining_pods: 3,
      total_available_gpus: 16,
    });
  } finally {
    await fresh.stop();
  }
});

test('a site that lists no mining image says that mining is off', async () => {
  const config = { MINING_IMAGE_ALLOWLIST: [] };
  const { pool } = database;
  const closed = await startTestApi({ pool, config, routes: miningRoutes({ config, pool, announceMining }) });
  try {
    const reply = await closed.send('POST', path('/start'), { as: 'a-provider', json: { image } });
    expect(reply).toMatchObject({ status: 409, json: { code: 'mining_off' } });
  } finally {
    await closed.stop();
  }
});
