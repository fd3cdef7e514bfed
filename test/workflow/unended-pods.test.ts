import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { jobObjectName, type JobOrder } from '../../src/domain/job.js';
import { mergePatch } from '../../src/kubernetes/client.js';
import { createFleetWorld, heldNothing, type FleetWorld } from '../support/fleet-world.js';
import { showMetrics, type ShownMetrics } from '../support/metrics.js';
import { namespaceOf } from '../support/tenants.js';
import { until } from '../support/until.js';

let world: FleetWorld;
let shown: ShownMetrics;
beforeAll(async () => {
  [world, shown] = await Promise.all([createFleetWorld(), showMetrics()]);
});
afterAll(() => Promise.all([world.close(), shown.stop()]));

const notEnded = (result: string) => shown.of(`broker_pods_not_ended_total{result="${result}"}`);
/** After the patience that a machine which answers has, here fifteen seconds. */
const ends = (order: JobOrder) =>
  until(async () => (await world.job(order)).status === 'cancelled', {
    ...{ name: 'the job ends', budgetMs: 30_000, timeoutMs: 90_000, everyMs: 100 },
  });
const chargedS = async ({ jobId }: JobOrder) => {
  const { rows } = await world.database.pool.query<{ seconds: number }>(
    `select (c.spent / (10::numeric ^ 18) / j.price_per_hour * 3600)::float8 as seconds
       from auth_charges c join jobs j using (job_id) where job_id = $1 and c.settled_at is not null`,
    [jobId],
  );
  return rows[0]?.seconds;
};

test('a machine that answers and never ends the pod holds up neither the end of its job nor the charge', async () => {
  const providerId = await world.joined();
  const order = await world.running({ providerId });
  // Nobody ends its pods any more, and it says that it is well.
  const body = { metadata: { labels: { type: null } } };
  await world.kubernetes.core.patchNode({ name: providerId, body }, mergePatch);
  const before = await notEnded('removed_though_it_answers');
  const { startedAt } = await world.job(order);
  const askedMs = Date.now();
  expect(await world.commands.cancel(order.jobId, 'its owner', 2_000)).toBe('still_ending');
  expect(await chargedS(order)).toBeUndefined();
  await ends(order);
  expect(await world.heldBy(order)).toEqual(heldNothing);
  expect(await notEnded('removed_though_it_answers')).toBe(before + 1);
  // Nobody pays for the time in which the machine did not end it.
  expect(await chargedS(order)).toBeLessThanOrEqual((Date.now() - startedAt!.getTime()) / 1_000 - 10);
  expect(await chargedS(order)).toBeGreaterThanOrEqual((askedMs - startedAt!.getTime()) / 1_000 - 1);
}, 120_000);

test('an object that even force does not remove holds up neither of them', async () => {
  const order = await world.running({ providerId: await world.joined() });
  const object = { name: jobObjectName(order.jobId), namespace: namespaceOf(order.wallet) };
  const held = (finalizers: string[]) =>
    world.kubernetes.core.patchNamespacedPod({ ...object, body: { metadata: { finalizers } } }, mergePatch);
  await held(['worldland.io/test']);
  const before = await notEnded('left');
  expect(await world.commands.cancel(order.jobId, 'its owner', 2_000)).toBe('still_ending');
  await ends(order);
  expect(await world.heldBy(order)).toEqual({ ...heldNothing, pod: true });
  expect(await notEnded('left')).toBe(before + 1);
  await held([]);
}, 120_000);
