import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { jobObjectName } from '../../src/domain/job.js';
import { bodyOf, startPlacing, type Placing } from '../support/placing.js';
import { namespaceOf } from '../support/tenants.js';

let placing: Placing;
beforeAll(async () => {
  placing = await startPlacing();
  await placing.world.provider({ gpus: { model: 'NVIDIA H100', count: 8 }, gpuPrice: 1 });
});
afterAll(() => placing?.close());

const place = async (change: object) => bodyOf(await placing.place({ memory_gb: 2, ...change }, { prefer: 'wait=60' }));
const podOf = async (jobId: string) =>
  (
    await placing.world.kubernetes.core.readNamespacedPod({
      name: jobObjectName(jobId),
      namespace: namespaceOf(placing.session.wallet),
    })
  ).spec!;

test('ordered shared memory is stored, shown and given to the pod, which also gets the customer’s variables', async () => {
  const env = { http_proxy: 'http://a', HTTP_PROXY: 'http://b', NVIDIA_DRIVER_CAPABILITIES: 'compute,video' };
  const job = await place({ shm_gb: '1536Mi', env });
  expect(job).toMatchObject({ status: 'running', memory_gb: 2, shm_gb: 1.5 });
  const { volumes, containers } = await podOf(job.job_id);
  expect(volumes).toContainEqual(
    expect.objectContaining({ emptyDir: expect.objectContaining({ medium: 'Memory', sizeLimit: '1536Mi' }) }),
  );
  expect(containers[0]!.env!.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(env)));
  const { body } = await placing.session.request('GET', `/api/v1/jobs/${job.job_id}`);
  expect(body).toMatchObject({ shm_gb: 1.5 });
});

test('an order that names no shared memory gets half of its memory', async () => {
  const job = await place({});
  expect(job).toMatchObject({ status: 'running', shm_gb: 1 });
  expect((await podOf(job.job_id)).volumes).toContainEqual(
    expect.objectContaining({ emptyDir: expect.objectContaining({ sizeLimit: '1Gi' }) }),
  );
});

test('an order with more shared memory than memory is refused with the name of the field', async () => {
  expect(await place({ shm_gb: 3 })).toMatchObject({
    code: 'validation_failed',
    errors: [{ field: 'shm_gb', message: expect.any(String) }],
  });
});
