import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { bodyOf, startPlacing, type Placing } from '../support/placing.js';

let placing: Placing;
beforeAll(async () => {
  placing = await startPlacing();
  await placing.world.provider({ gpus: { model: 'NVIDIA A100-SXM4-80GB', count: 8 }, gpuPrice: 1 });
});
afterAll(() => placing?.close());
const place: Placing['place'] = (...order) => placing.place(...order);

test('an order for a GPU family runs, and its reply names the member', async () => {
  expect(bodyOf(await place({ gpu: 'A100' }))).toMatchObject({
    status: 'running',
    gpu_type: 'a100-sxm4-80gb',
    gpu_model: 'NVIDIA A100-SXM4-80GB',
  });
});

test('an order for a known GPU that is not free is told what is similar and free', async () => {
  const refused = bodyOf(await place({ gpu_type: 'A100-PCIE-40GB' }));
  expect(refused).toMatchObject({ status: 409, code: 'no_capacity', near: ['a100-sxm4-80gb'] });
  expect(refused.free).toMatchObject([{ gpu_type: 'a100-sxm4-80gb', price_per_hour: 1 }]);
});

test('an order for an unknown GPU is refused with the nearest names, and its key stays unused', async () => {
  const headers = { 'idempotency-key': 'a-slip' };
  const refused = bodyOf(await place({ gpu_type: 'A10O SXM4' }, headers));
  expect(refused).toMatchObject({ status: 422, code: 'validation_failed' });
  expect(refused).not.toHaveProperty('job_id');
  expect(refused.errors).toMatchObject([{ field: 'gpu_type' }]);
  expect(bodyOf(await place({ gpu_type: 'A100 SXM4' }, headers))).toMatchObject({ status: 'running' });
});

test('a search for a GPU that is not there is empty and names similar ones', async () => {
  for (const [asked, near] of [
    ['A100-PCIE-40GB', 'a100-sxm4-80gb'],
    ['RTX 4099', 'RTX 4090'],
  ] as const) {
    for (const route of ['search', 'gpu-availability']) {
      const { json } = await placing.api.send('GET', `/api/v1/providers/${route}?gpu=${encodeURIComponent(asked)}`);
      expect(json).toMatchObject({ count: 0, providers: [] });
      expect(json.near).toContain(near);
    }
  }
});
