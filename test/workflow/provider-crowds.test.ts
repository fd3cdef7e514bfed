import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { providerWorkflowId } from '../../src/domain/provider.js';
import { providerStartOptions } from '../../src/temporal/start-provider.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import { createFleetWorld, type FleetWorld } from '../support/fleet-world.js';
import { putProvider } from '../support/fleet.js';
import { until } from '../support/until.js';

/** A thousand take some minutes of two processors, most of them to be started; a hundred take the same ways. */
const manyProviders = Number(process.env['TEST_SILENT_PROVIDERS'] ?? 100);

let world: FleetWorld;
beforeAll(async () => {
  world = await createFleetWorld({ PROVIDER_LOSS_GRACE_S: 20 });
});
afterAll(() => world.close());

const handleOf = (workflowId: string) => world.temporal.client.workflow.getHandle(workflowId);
const inTurns = async (count: number, atOnce: number, what: (at: number) => Promise<unknown>) => {
  let next = 0;
  const one = async () => {
    while (next < count) await what(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, one));
};

test('a provider that comes and goes all the time keeps its jobs, and ends in its real state', async () => {
  const providerId = await world.joined();
  const order = await world.running({ providerId });
  const before = (await world.job(order)).expiresAt;
  for (let turn = 0; turn < 12; turn++) {
    await world.setNodeReady(providerId, turn % 2 === 1);
    await (turn % 3 === 0 ? world.silent(providerId) : world.heard(providerId));
    await world.sweep();
  }
  await world.heard(providerId);
  await world.sweep();
  await world.becomes(providerId, 'available');
  await until(async () => (await world.state(providerId)).status === 'available');
  await until(async () => (await world.node(providerId))!.spec!.taints!.length === 1);
  expect(await world.job(order)).toMatchObject({ status: 'running', expiresAt: before });
  const next = await world.running({ providerId });
  const { events } = await handleOf(providerWorkflowId(providerId)).fetchHistory();
  expect(events!.length).toBeLessThan(4_096);
  for (const { jobId } of [order, next]) await world.commands.cancel(jobId, 'its owner', 20_000);
});

test(`${manyProviders} providers that fall silent at once all go offline, and come back when they are heard`, async () => {
  const { pool } = world.database;
  const ids = Array.from({ length: manyProviders }, () => `silent-${randomUUID().slice(0, 12)}`);
  await inTurns(ids.length, 8, async (at) => {
    await putProvider(pool, { providerId: ids[at]! });
    await world.temporal.client.workflow.start(
      workflowTypes.provider,
      providerStartOptions({ providerId: ids[at]! }, world.config),
    );
  });
  await pool.query(
    `update provider_heartbeats set last_heartbeat = now() - interval '1 day' where provider_id = any ($1)`,
    [ids],
  );
  expect(await world.sweep()).toEqual({ silent: ids.length, returned: 0, failed: 0 });
  const count = async (condition: string) => {
    const { rows } = await pool.query<{ count: number }>(
      `select count(*)::int as count from providers where provider_id = any ($1) and ${condition}`,
      [ids],
    );
    return rows[0]!.count;
  };
  expect(await count(`status = 'offline' and heartbeat_signalled`)).toBe(ids.length);
  // Each workflow has looked: none of them has a node.
  await until(async () => (await count('not node_ready')) === ids.length, { timeoutMs: 240_000, everyMs: 200 });
  for (const providerId of ids.slice(0, 10)) expect((await world.state(providerId)).status).toBe('offline');
  // Providers of other tests are heard meanwhile: on a slow machine they would be due by now.
  await pool.query('update provider_heartbeats set last_heartbeat = now() where provider_id <> all ($1)', [ids]);
  expect((await world.sweep()).silent).toBe(0);

  await pool.query('update provider_heartbeats set last_heartbeat = now() where provider_id = any ($1)', [ids]);
  expect(await world.sweep()).toEqual({ silent: 0, returned: ids.length, failed: 0 });
  expect(await count('heartbeat_alive and heartbeat_signalled')).toBe(ids.length);
}, 300_000);

test('many jobs placed at the moment when their provider goes offline are all told', async () => {
  const world = await createFleetWorld({ PROVIDER_LOSS_GRACE_S: 3 });
  const providerId = await world.joined();
  const orders = await Promise.all(Array.from({ length: 8 }, () => world.order({ providerId })));
  const started = Promise.all(orders.map((order) => world.commands.startAndWait(order, 1_000)));
  await world.silent(providerId);
  await until(async () => (await world.row(providerId)).resources.some(({ rented }) => rented > 0));
  // A row that an order holds in this moment is left to the next sweep.
  await until(async () => (await world.sweep()).silent === 1);
  await started;
  const endings = await Promise.all(
    orders.map(async (order) => {
      await until(async () => (await world.job(order)).endedAt !== undefined, {
        timeoutMs: 60_000,
        name: 'the job has ended',
      });
      const { status, failure } = await world.job(order);
      return `${status}: ${failure?.reason}`;
    }),
  );
  expect(endings).toContain('provider_lost: provider_lost');
  const others = endings.filter((ending) => ending !== 'provider_lost: provider_lost');
  expect(others.filter((ending) => ending !== 'failed: no_capacity')).toEqual([]);
  expect((await world.row(providerId)).resources.every(({ rented }) => rented === 0)).toBe(true);
  await world.close();
}, 120_000);
