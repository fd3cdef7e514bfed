import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { startStack, type Stack } from '../../engines/stack.js';
import { type JobOrder } from '../../src/domain/job.js';
import { createFleetWorld, heldNothing, type FleetWorld } from '../support/fleet-world.js';
import { carryOut } from '../support/activity.js';
import { decidedWithinMs, until } from '../support/until.js';
import { namespaceOf } from '../support/tenants.js';

// A cluster of its own: in one that others use, their jobs would find no port either.
let dataDir: string;
let stack: Stack;
let world: FleetWorld;
let providerId: string;
beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'ports-'));
  stack = await startStack({
    dataDir,
    isTemporary: true,
    engines: ['kubernetes'],
    kubernetes: { nodePorts: '20000-20001' },
  });
  world = await createFleetWorld({}, undefined, stack.endpoints());
  providerId = await world.joined();
}, 900_000);
afterAll(async () => {
  await world?.close();
  await stack?.stop();
  rmSync(dataDir, { recursive: true, force: true });
}, 60_000);

const podsOf = async ({ wallet }: JobOrder) =>
  (await world.kubernetes.core.listNamespacedPod({ namespace: namespaceOf(wallet) })).items;
const cancel = (order: JobOrder) => world.commands.cancel(order.jobId, 'its owner', decidedWithinMs);
const portOf = async (order: JobOrder) => (await world.job(order)).ssh!.port;

test('a job for which the cluster has no port left fails at once, before it has a pod', async () => {
  const running = [await world.running({ providerId }), await world.running({ providerId })];
  expect((await Promise.all(running.map(portOf))).sort()).toEqual([20_000, 20_001]);

  const direct = await world.order({ providerId });
  const placement = await world.activities.placeJob(direct);
  await expect(carryOut(world.activities.provisionJob, direct, placement)).rejects.toMatchObject({
    type: 'no_ports_left',
  });
  expect(await podsOf(direct)).toEqual([]);

  const late = await world.order({ providerId });
  const beganMs = Date.now();
  expect(await world.commands.startAndWait(late, decidedWithinMs)).toMatchObject({
    status: 'failed',
    failure: { reason: 'no_ports_left', message: expect.stringContaining('ports') },
  });
  expect(Date.now() - beganMs).toBeLessThan(15_000);
  expect(await world.heldBy(late)).toEqual(heldNothing);

  await cancel(running[0]!);
  const next = await world.running({ providerId });
  expect(await portOf(next)).toBe(20_000 + 20_001 - (await portOf(running[1]!)));
  for (const order of [running[1]!, next]) await cancel(order);
}, 180_000);

test('a job whose ports are more than the cluster has left fails at once, and takes none of them', async () => {
  const ports = [8_000, 8_001].map((port) => ({ port, name: `p${port}`, protocol: 'tcp' as const }));
  const order = await world.order({ providerId, ports });
  expect(await world.commands.startAndWait(order, decidedWithinMs)).toMatchObject({
    status: 'failed',
    failure: { reason: 'no_ports_left' },
  });
  expect(await podsOf(order)).toEqual([]);
  expect(await world.heldBy(order)).toEqual(heldNothing);
  // One port and SSH are just what there is.
  const fits = await world.running({ providerId, ports: ports.slice(1) });
  const { port, opened } = (await world.job(fits)).ssh!;
  expect([port, opened![0]!.nodePort].sort()).toEqual([20_000, 20_001]);
  await cancel(fits);
}, 120_000);

test('a port is free again when its job ends, whatever had been made by then', async () => {
  // Refused for good, after the Service is there.
  const refused = await world.order({ providerId, image: ' no image' });
  expect(await world.commands.startAndWait(refused, decidedWithinMs)).toMatchObject({
    status: 'failed',
    failure: { reason: 'pod_refused' },
  });
  expect(await world.heldBy(refused)).toEqual(heldNothing);

  // Whoever makes the pod may die after the Service, and the next one finds it.
  const order = await world.order({ providerId });
  const placement = await world.activities.placeJob(order);
  const first = await carryOut(world.activities.provisionJob, order, placement);
  const { core } = world.kubernetes;
  const [pod] = await podsOf(order);
  await core.deleteNamespacedPod({
    name: pod!.metadata!.name!,
    namespace: pod!.metadata!.namespace!,
    gracePeriodSeconds: 0,
  });
  await until(async () => (await podsOf(order)).length === 0);
  const again = await carryOut(world.activities.provisionJob, order, placement);
  expect(again.ssh).toEqual(first.ssh);
  expect(again.podUid).not.toBe(first.podUid);
  await carryOut(world.activities.teardownJob, order, placement);
}, 120_000);
