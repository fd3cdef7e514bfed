import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { jobObjectName } from '../../src/domain/job.js';
import { publicSshHostKey } from '../../src/kubernetes/ssh-host-key.js';
import { carryOut } from '../support/activity.js';
import { createWorld, type World } from '../support/world.js';
import { namespaceOf } from '../support/tenants.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

test('a job that is provisioned again keeps its host key, whose private half is only in its Secret', async () => {
  const providerId = await world.provider();
  const order = await world.order({ providerId });
  const placement = await world.activities.placeJob(order);
  const first = await carryOut(world.activities.provisionJob, order, placement);
  const again = await carryOut(world.activities.provisionJob, order, placement);
  expect(again).toEqual(first);

  const { data } = await world.kubernetes.core.readNamespacedSecret({
    name: jobObjectName(order.jobId),
    namespace: namespaceOf(order.wallet),
  });
  const privateKey = Buffer.from(data!['ssh_host_key']!, 'base64').toString();
  expect(publicSshHostKey(privateKey)).toBe(first.ssh.hostKey);

  await world.activities.recordRunning(order, {
    ...first,
    startedAt: new Date().toISOString(),
    expiresAt: new Date().toISOString(),
  });
  expect((await world.job(order)).ssh).toEqual(first.ssh);
  const { rows } = await world.database.pool.query<{ row: string }>('select j::text as row from jobs j');
  expect(rows.map(({ row }) => row).join('\n')).not.toContain('PRIVATE KEY');
  await world.kubernetes.core.deleteNamespacedPod({
    name: jobObjectName(order.jobId),
    namespace: namespaceOf(order.wallet),
  });
});
