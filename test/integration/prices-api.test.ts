import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mergePatch } from '../../src/kubernetes/client.js';
import { bodyOf, startPlacing, type Placing } from '../support/placing.js';

const token = 10n ** 18n;

let placing: Placing;
/** As it would be in production, with a price of the operator for one old type. */
beforeAll(async () => {
  placing = await startPlacing(
    {
      ALLOW_FREE_JOBS: false,
      JOB_STUCK_GRACE_S: 1,
      GPU_DEFAULT_PRICES: [{ type: 'gtx-1080', pricePerHour: '0.05' }],
    },
    { ALLOW_FREE_JOBS: 'false', GPU_DEFAULT_PRICES: 'GTX 1080=0.05' },
  );
});
afterAll(() => placing?.close());
const place: Placing['place'] = (...order) => placing.place(...order);
const reserved = async () => BigInt(bodyOf(await placing.session.request('GET', '/api/v1/auth/me')).spend_reserved);
const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();

describe('the price of a job', () => {
  test('a job shows the maximum price that its customer named, or the one that the broker set without it', async () => {
    const gpus = { model: 'NVIDIA H100', count: 8 };
    await Promise.all([placing.world.provider({ gpus, gpuPrice: 2 }), placing.world.provider({ gpus, gpuPrice: 3 })]);
    const [before, headers] = [await reserved(), { 'idempotency-key': 'own-maximum' }];
    const open = bodyOf(await place({ gpu_type: 'H100' }));
    expect(open).toMatchObject({ status: 'running', price_per_hour: 2, max_price_per_hour: 3 });
    // As soon as it is placed, what it costs there.
    expect((await reserved()) - before).toBe(2n * token);
    const bounded = bodyOf(await place({ gpu_type: 'H100', max_price_per_hour: 2.5 }, headers));
    expect(bounded).toMatchObject({ status: 'running', price_per_hour: 2, max_price_per_hour: 2.5 });
    expect((await reserved()) - before).toBe(4n * token);
    const again = bodyOf(await place({ gpu_type: 'H100', max_price_per_hour: 2.5 }, headers));
    expect(again).toMatchObject({ job_id: bounded.job_id, max_price_per_hour: 2.5 });
    expect(bodyOf(await place({ gpu_type: 'H100', max_price_per_hour: 2.6 }, headers)).code).toBe(
      'idempotency_conflict',
    );
  });

  test('the price of an order is not bound by the price of a machine that starts nothing', async () => {
    const gpus = { model: 'NVIDIA A40', count: 8 };
    const bait = await placing.world.provider({ gpus, gpuPrice: 0.01 });
    await placing.world.provider({ gpus, gpuPrice: 1 });
    await placing.world.database.pool.query(
      'insert into provider_starts (provider_id, wallets, failed_at) values ($1, 1, now())',
      [bait],
    );
    const taints = [{ key: 'broken', value: 'true', effect: 'NoSchedule' }];
    await placing.world.kubernetes.core.patchNode({ name: bait, body: { spec: { taints } } }, mergePatch);
    expect(bodyOf(await place({ gpu_type: 'A40' }, { prefer: 'wait=60' }))).toMatchObject({
      status: 'running',
      price_per_hour: 1,
    });
  });

  test('a job without GPUs pays for the GPUs that nobody else can rent meanwhile', async () => {
    const provider_id = await placing.world.provider({ gpus: { model: 'NVIDIA L4', count: 8 }, gpuPrice: 1 });
    const before = await reserved();
    const job = bodyOf(await place({ provider_id, gpu_count: 0, cpu_cores: 1_000, memory_gb: 16 }));
    expect(job).toMatchObject({ status: 'running', price_per_hour: 8 });
    expect((await reserved()) - before).toBe(8n * token);
  });

  test('a job pays the operator’s price where the provider names none', async () => {
    const provider_id = await placing.world.provider({ gpus: { model: 'NVIDIA GTX 1080', count: 2 }, gpuPrice: 0 });
    expect(bodyOf(await place({ provider_id, gpu_count: 2 }))).toMatchObject({
      status: 'running',
      price_per_hour: 0.1,
    });
    const { json } = await placing.api.send('GET', `/api/v1/providers/${provider_id}`);
    expect(json.capacity).toMatchObject({
      gpu_prices_per_hour: { 'NVIDIA GTX 1080': 0.05 },
      gpu_price_sources: { 'NVIDIA GTX 1080': 'operator' },
    });
    expect(json).not.toHaveProperty('not_offered_reason');
  });
});

describe('a provider that is not offered', () => {
  const rows = async (provider: string, type: string) => {
    const availability = (await placing.api.send('GET', `/api/v1/providers/gpu-availability?gpu_type=${type}`)).json;
    return [(await placing.api.send('GET', `/api/v1/providers/${provider}`)).json, availability.providers[0]];
  };

  test('a provider without a price says so in every row, and a customer who orders there is told', async () => {
    const provider_id = await placing.world.provider({ gpus: { model: 'NVIDIA T4', count: 2 }, gpuPrice: 0 });
    const [provider, availability] = await rows(provider_id, 'T4');
    const reason = expect.stringMatching(/price for NVIDIA T4/);
    expect(provider).toMatchObject({ status: 'available', not_offered_reason: reason });
    expect(provider.capacity.gpu_price_sources).toEqual({ 'NVIDIA T4': 'none' });
    expect(availability).toMatchObject({ can_create_job: false, not_offered_reason: reason, price_source: 'none' });
    const refused = bodyOf(await place({ gpu_type: 'T4' }));
    expect(refused).toMatchObject({ code: 'no_capacity', free: [] });
    expect(refused.detail).toMatch(/no price/);
  });

  test('a provider that is not offered now or for so long shows when it is, and a customer who orders there is told', async () => {
    const [from, until] = [inHours(-1), inHours(2)];
    const provider_id = await placing.world.provider({
      gpus: { model: 'NVIDIA A10', count: 2 },
      capacity: { available_from: from, available_until: until },
    });
    const [provider, availability] = await rows(provider_id, 'A10');
    expect(provider.capacity).toMatchObject({ available_from: from, available_until: until });
    expect(provider).not.toHaveProperty('not_offered_reason');
    expect(availability).toMatchObject({ can_create_job: true });
    const refused = bodyOf(await place({ provider_id, duration_hours: 3 }));
    expect(refused).toMatchObject({ code: 'no_capacity' });
    expect(refused.detail).toMatch(/does not offer it for so long/);
    expect(bodyOf(await place({ provider_id, duration_hours: 1 }))).toMatchObject({ status: 'running' });

    const later = await placing.world.provider({
      gpus: { model: 'NVIDIA A30', count: 2 },
      capacity: { available_from: inHours(5) },
    });
    const [closed, none] = await rows(later, 'A30');
    const reason = expect.stringMatching(/from .* on/);
    expect(closed).toMatchObject({ not_offered_reason: reason });
    expect(none).toMatchObject({ can_create_job: false, not_offered_reason: reason });
  });
});
