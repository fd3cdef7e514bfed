import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Reply, Session } from '../../src/auth/client.js';
import { jobObjectName } from '../../src/domain/job.js';
import { startApi, type Api } from '../support/api.js';
import { createWorld, type World } from '../support/world.js';
import { namespaceOf } from '../support/tenants.js';

const key = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test';

let world: World;
let api: Api;
let session: Session;
beforeAll(async () => {
  world = await createWorld();
  api = await startApi({ database: world.database, redis: world.redis, commands: { jobs: world.commands } });
  session = await api.login({ spendLimit: 10n ** 24n });
  await world.provider({ gpus: { model: 'NVIDIA H100', count: 8 }, gpuPrice: 1 });
});
afterAll(async () => {
  await api?.stop();
  await world.close();
});

// Replies are looked into freely: a wrong shape fails the expectation.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
const bodyOf = (reply: Reply) => reply.body as any;
const place = async (change: object) =>
  bodyOf(
    await session.request(
      'POST',
      '/api/v1/jobs',
      { cpu_cores: 1, memory_gb: 2, storage_gb: 1, ssh_public_keys: [key], ...change },
      { prefer: 'wait=60' },
    ),
  );
const podOf = async (jobId: string) =>
  (
    await world.kubernetes.core.readNamespacedPod({
      name: jobObjectName(jobId),
      namespace: namespaceOf(session.wallet),
    })
  ).spec!;

test('the shared memory that was ordered is stored, shown, and given to the pod, whose customer chose its variables', async () => {
  const env = { http_proxy: 'http://a', HTTP_PROXY: 'http://b', NVIDIA_DRIVER_CAPABILITIES: 'compute,video' };
  const job = await place({ shm_gb: '1536Mi', env });
  expect(job).toMatchObject({ status: 'running', memory_gb: 2, shm_gb: 1.5 });
  const { volumes, containers } = await podOf(job.job_id);
  expect(volumes).toContainEqual(
    expect.objectContaining({ emptyDir: expect.objectContaining({ medium: 'Memory', sizeLimit: '1536Mi' }) }),
  );
  expect(containers[0]!.env!.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(env)));
  const { body } = await session.request('GET', `/api/v1/jobs/${job.job_id}`);
  expect(body).toMatchObject({ shm_gb: 1.5 });
});

test('an order that names none has half of its memory', async () => {
  const job = await place({});
  expect(job).toMatchObject({ status: 'running', shm_gb: 1 });
  expect((await podOf(job.job_id)).volumes).toContainEqual(
    expect.objectContaining({ emptyDir: expect.objectContaining({ sizeLimit: '1Gi' }) }),
  );
});

test('more shared memory than memory is refused by name', async () => {
  expect(await place({ shm_gb: 3 })).toMatchObject({
    code: 'validation_failed',
    errors: [{ field: 'shm_gb', message: expect.any(String) }],
  });
});
