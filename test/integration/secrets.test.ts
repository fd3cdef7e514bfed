import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { jobObjectName, jobWorkflowId } from '../../src/domain/job.js';
import type { Api } from '../support/api.js';
import { exportHistories, findSecrets } from '../support/secrets.js';
import { startTracingApi } from '../support/tracing-api.js';
import { createWorld, type World } from '../support/world.js';
import { namespaceOf } from '../support/tenants.js';

let world: World;
let api: Api;
beforeAll(async () => {
  world = await createWorld();
  api = await startTracingApi(world);
});
afterAll(async () => {
  await api?.stop();
  await world.close();
});

test('a customer’s secrets are only in the Secret of the job, and nowhere after its end', async () => {
  const provider_id = await world.provider();
  const session = await api.login({ spendLimit: 10n ** 30n });
  const secrets = {
    variable: `sk_${randomBytes(24).toString('base64url')}`,
    registryPassword: `ghp_${randomBytes(24).toString('base64url')}`,
    token: await session.token(),
  };
  const placed = await api.send('POST', '/api/v1/jobs', {
    bearer: secrets.token,
    body: {
      provider_id,
      image: 'ghcr.io/me/private:1',
      registry_auth: { username: 'robot', password: secrets.registryPassword },
      env: { API_KEY: secrets.variable },
      ssh_public_keys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test'],
    },
    headers: { prefer: 'wait=60' },
  });
  expect(placed.json).toMatchObject({ status: 'running' });
  const jobId = placed.json.job_id as string;
  const names = { name: jobObjectName(jobId), namespace: namespaceOf(session.wallet) };
  const { core } = world.kubernetes;
  const secret = await core.readNamespacedSecret(names);
  // Otherwise it would have got lost on the way, and not be found for that reason.
  expect(findSecrets({ secret: JSON.stringify(secret.data) }, { variable: secrets.variable })).toHaveLength(1);
  const login = Buffer.from(secret.data!['.dockerconfigjson']!, 'base64').toString();
  expect(JSON.parse(login).auths['ghcr.io']).toMatchObject({ password: secrets.registryPassword });
  const pod = await core.readNamespacedPod(names);
  expect(pod.spec!.imagePullSecrets).toEqual([{ name: names.name }]);

  await session.request('DELETE', `/api/v1/jobs/${jobId}`, undefined, { prefer: 'wait=60' });
  const histories = await exportHistories(world.temporal.client);
  const ofJob = Object.entries(histories).find(([name]) => name.startsWith(jobWorkflowId(jobId)))![1];
  // As it stands in the arguments: they were decoded.
  expect(ofJob.includes(JSON.stringify(`{"order":{"jobId":"${jobId}"`).slice(1, -1))).toBe(true);
  const { rows } = await world.database.pool.query<{ row: string }>(
    'select row_to_json(j)::text as row from jobs j where job_id = $1',
    [jobId],
  );
  const texts = {
    pod: JSON.stringify(pod),
    row: rows[0]!.row,
    log: api.logged.join('\n'),
    reply: placed.text,
    ...histories,
  };
  expect(findSecrets(texts, secrets)).toEqual([]);
});
