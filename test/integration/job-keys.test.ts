import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { withTransaction } from '../../src/db/pool.js';
import { addJobKey } from '../../src/db/job-keys.js';
import { jobObjectName, type JobOrder } from '../../src/domain/job.js';
import { mergePatch } from '../../src/kubernetes/client.js';
import { carryOut } from '../support/activity.js';
import { ed25519Key } from '../support/ssh-key.js';
import { namespaceOf } from '../support/tenants.js';
import { createWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld();
});
afterAll(() => world.close());

async function provisioned(): Promise<JobOrder> {
  const order = await world.order({ providerId: await world.provider() });
  await carryOut(world.activities.provisionJob, order, await world.activities.placeJob(order));
  return order;
}

const at = (order: JobOrder) => ({ name: jobObjectName(order.jobId), namespace: namespaceOf(order.wallet) });
const secretOf = (order: JobOrder) => world.kubernetes.core.readNamespacedSecret(at(order));
const keysIn = async (order: JobOrder) =>
  Buffer.from((await secretOf(order)).data!['authorized_keys']!, 'base64')
    .toString()
    .trim()
    .split('\n');
const addKey = async (order: JobOrder, key: string) =>
  void (await withTransaction(world.database.pool, (tx) => addJobKey(tx, order.jobId, key, 'SHA256:x')));
const row = async ({ jobId }: JobOrder) =>
  (
    await world.database.pool.query<{ keys: string[]; waits: boolean; takes: boolean }>(
      `select ssh_public_keys as keys, ssh_keys_changed_at is not null as waits, takes_ssh_keys as takes
         from jobs where job_id = $1`,
      [jobId],
    )
  ).rows[0]!;
const remove = (order: JobOrder) => world.kubernetes.core.deleteNamespacedPod(at(order));

test('keys of the row are brought into the Secret, and nothing else of it changes', async () => {
  const order = await provisioned();
  const { data: before } = await secretOf(order);
  const added = [ed25519Key(), ed25519Key()];
  for (const key of added) await addKey(order, key);
  expect((await row(order)).waits).toBe(true);
  for (let repeat = 0; repeat < 2; repeat++) {
    await carryOut(world.activities.bringSshKeys, order);
    const { keys, waits } = await row(order);
    expect([keys.slice(-2), waits]).toEqual([added, false]);
    expect(await keysIn(order)).toEqual(keys);
  }
  const { data: after } = await secretOf(order);
  expect({ ...after, authorized_keys: '' }).toEqual({ ...before, authorized_keys: '' });
  await remove(order);
});

test('attempts that race bring the newest keys', async () => {
  const order = await provisioned();
  const many = Array.from({ length: 6 }, () => ed25519Key());
  await Promise.all(
    many.map(async (key) => {
      await addKey(order, key);
      for (let attempt = 0; attempt < 20; attempt++) {
        const failed = await carryOut(world.activities.bringSshKeys, order).then(
          () => false,
          () => true,
        );
        if (!failed) return;
      }
    }),
  );
  const { keys, waits } = await row(order);
  expect(keys).toEqual(expect.arrayContaining(many));
  expect(waits).toBe(false);
  expect(await keysIn(order)).toEqual(keys);
  await remove(order);
});

test('a job that does not run yet waits for its Secret, one that has lost it takes no keys, and one that an earlier version made is left as it is', async () => {
  const early = await world.order({ providerId: await world.provider() });
  await addKey(early, ed25519Key());
  await carryOut(world.activities.bringSshKeys, early);
  expect((await row(early)).waits).toBe(true);

  const lost = await provisioned();
  await world.kubernetes.core.deleteNamespacedSecret(at(lost));
  await addKey(lost, ed25519Key());
  await world.database.pool.query(`update jobs set status = 'running' where job_id = $1`, [lost.jobId]);
  await carryOut(world.activities.bringSshKeys, lost);
  expect(await row(lost)).toMatchObject({ waits: false, takes: false });
  await remove(lost);

  const order = await provisioned();
  await world.kubernetes.core.patchNamespacedSecret({ ...at(order), body: { immutable: true } }, mergePatch);
  const before = await keysIn(order);
  await addKey(order, ed25519Key());
  await carryOut(world.activities.bringSshKeys, order);
  expect(await keysIn(order)).toEqual(before);
  expect(await row(order)).toMatchObject({ waits: false, takes: false });
  await remove(order);
});
