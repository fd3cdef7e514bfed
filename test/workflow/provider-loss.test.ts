import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { sweepHeartbeats } from '../../src/db/heartbeats.js';
import { searchProviders } from '../../src/db/provider-reads.js';
import { jobWorkflowId } from '../../src/domain/job.js';
import { providerWorkflowId } from '../../src/domain/provider.js';
import { labels, taints } from '../../src/kubernetes/names.js';
import { providerChanged } from '../../workflows/job-messages.js';
import { heartbeatChanged } from '../../workflows/provider-messages.js';
import { createFleetWorld, heldNothing, type FleetWorld } from '../support/fleet-world.js';
import { decidedWithinMs, until } from '../support/until.js';

let world: FleetWorld;
/** Done before a job's pod is made. */
let beforePod = async () => {};
beforeAll(async () => {
  // Long enough for a provider to come back in time on a busy machine.
  world = await createFleetWorld({ PROVIDER_LOSS_GRACE_S: 5 }, ({ provisionJob }) => ({
    async provisionJob(order, placement) {
      await beforePod();
      return await provisionJob(order, placement);
    },
  }));
});
afterEach(() => {
  beforePod = async () => {};
});
afterAll(() => world.close());

const marksOf = async (providerId: string) => {
  const node = await world.node(providerId);
  const maintenance = node?.spec?.taints?.find(({ key }) => key === taints.maintenance);
  return { label: node?.metadata?.labels?.[labels.rentalStatus], maintenance: maintenance?.value };
};
const isFound = async (providerId: string) => {
  const found = await searchProviders(world.database.pool, { sort: 'price', limit: 100, offset: 0 });
  return found.some((provider) => provider.providerId === providerId);
};
const podUid = async (jobId: string) => {
  const { rows } = await world.database.pool.query<{ pod_uid: string }>('select pod_uid from jobs where job_id = $1', [
    jobId,
  ]);
  return rows[0]!.pod_uid;
};
const wasTold = async (providerId: string) => {
  const handle = world.temporal.client.workflow.getHandle(providerWorkflowId(providerId));
  const { events } = await handle.fetchHistory();
  return events!.some(
    ({ workflowExecutionSignaledEventAttributes: signal }) => signal?.signalName === heartbeatChanged.name,
  );
};
const chargeOf = async (jobId: string) => {
  const { rows } = await world.database.pool.query<{ spent: string; price: number; started_at: Date }>(
    `select c.spent::text, j.price_per_hour::float8 as price, j.started_at
       from auth_charges c join jobs j using (job_id) where c.job_id = $1`,
    [jobId],
  );
  return rows[0]!;
};

describe('a provider that falls silent', () => {
  test('a provider found silent takes no jobs from that moment, even before its workflow is told', async () => {
    const providerId = await world.joined();
    await world.silent(providerId);
    // The statement alone: nobody is told.
    await sweepHeartbeats(world.database.pool, world.config.HEARTBEAT_TIMEOUT_S);
    expect(await world.row(providerId)).toMatchObject({ status: 'offline', statusReason: 'no heartbeat' });
    expect(await isFound(providerId)).toBe(false);
    const order = await world.order({ providerId });
    expect(await world.commands.startAndWait(order, decidedWithinMs)).toMatchObject({
      failure: { reason: 'no_capacity' },
    });
    // By another way than the sweep it may know already: whoever looks at the provider now finds it silent.
    expect(await wasTold(providerId)).toBe(false);
    await world.sweep();
    await until(() => wasTold(providerId));
    await until(async () => (await world.state(providerId)).status === 'offline');
    await until(async () => (await marksOf(providerId)).maintenance === 'offline');
    expect(await marksOf(providerId)).toEqual({ label: 'offline', maintenance: 'offline' });
  });

  test('jobs of a provider that stays silent are lost after their grace, pay until it was last heard, and hold nothing', async () => {
    const providerId = await world.joined();
    const order = await world.running({ providerId, gpuCount: 2 });
    await world.silent(providerId);
    await world.sweep();
    await world.becomes(providerId, 'offline');
    await world.jobBecomes(order, 'provider_lost');
    expect(await world.job(order)).toMatchObject({ failure: { reason: 'provider_lost' } });
    expect(await world.heldBy(order)).toEqual(heldNothing);
    // It was last heard before the job began: nothing was served.
    expect((await chargeOf(order.jobId)).spent).toBe('0');
    expect((await world.row(providerId)).resources.every(({ rented }) => rented === 0)).toBe(true);
  });

  test('jobs of a provider that comes back within the grace go on as they are', async () => {
    const providerId = await world.joined();
    const order = await world.running({ providerId });
    const before = { ...(await world.job(order)), pod: await podUid(order.jobId) };
    await world.silent(providerId);
    await world.sweep();
    await until(async () => (await world.state(providerId)).status === 'offline');
    await world.heard(providerId);
    await world.sweep();
    await world.becomes(providerId, 'available');
    await until(async () => (await marksOf(providerId)).maintenance === undefined);
    expect(await marksOf(providerId)).toEqual({ label: 'available', maintenance: undefined });
    await new Promise((resolve) => setTimeout(resolve, world.config.PROVIDER_LOSS_GRACE_S * 1000 + 1_000));
    // The silence itself is not paid for, and was told.
    const { money, ...now } = await world.job(order);
    expect(money!.gaps).toHaveLength(1);
    const kept = { money: { ...money, gaps: [] }, updatedAt: before.updatedAt, pod: await podUid(order.jobId) };
    expect({ ...now, ...kept }).toEqual(before);
    expect(await world.podExists(order)).toBe(true);
    await world.commands.cancel(order.jobId, 'its owner', 20_000);
  });

  test('a job that was told of its provider’s loss and not of its return checks first, and is not lost by a timer alone', async () => {
    const providerId = await world.joined();
    const order = await world.running({ providerId });
    await world.temporal.client.workflow
      .getHandle(jobWorkflowId(order.jobId))
      .signal(providerChanged, { online: false, at: new Date().toISOString() });
    await new Promise((resolve) => setTimeout(resolve, world.config.PROVIDER_LOSS_GRACE_S * 1000 + 1_500));
    expect((await world.job(order)).status).toBe('running');
    await world.commands.cancel(order.jobId, 'its owner', 20_000);
  });

  test('a job that is told of its provider’s loss after its return goes on', async () => {
    const providerId = await world.joined();
    const order = await world.running({ providerId });
    const handle = world.temporal.client.workflow.getHandle(jobWorkflowId(order.jobId));
    const [earlier, later] = [new Date(Date.now() - 1_000).toISOString(), new Date().toISOString()];
    await handle.signal(providerChanged, { online: true, at: later });
    await handle.signal(providerChanged, { online: false, at: earlier, final: true });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect((await world.job(order)).status).toBe('running');
    await world.commands.cancel(order.jobId, 'its owner', 20_000);
  });

  test('a provider is not found silent while nobody reads the heartbeats', async () => {
    const providerId = await world.joined();
    const { redis } = world.redis;
    await redis.xgroup('CREATE', 'provider:heartbeat', 'broker', '$', 'MKSTREAM');
    await redis.xadd('provider:heartbeat', `${Date.now() - 1_000}-0`, 'data', '{}');
    await world.silent(providerId);
    expect(await world.sweep()).toEqual({ silent: 0, returned: 0, failed: 0 });
    expect((await world.row(providerId)).status).toBe('available');
    await redis.del('provider:heartbeat');
    expect(await world.sweep()).toEqual({ silent: 1, returned: 0, failed: 0 });
  });
});

describe('a provider whose node is not ready', () => {
  test('a provider whose node is not ready is offline although its agent sends heartbeats, and back when the node is ready', async () => {
    const providerId = await world.joined();
    await world.setNodeReady(providerId, false);
    expect(await world.becomes(providerId, 'offline')).toMatchObject({ statusReason: 'its node is not ready' });
    await world.heard(providerId);
    await world.sweep();
    expect(await isFound(providerId)).toBe(false);
    await world.setNodeReady(providerId, true);
    await world.becomes(providerId, 'available');
  });

  test.each([
    ['nine hours behind', -32_400],
    ['nine hours ahead', 32_400],
  ])('a provider whose kubelet has a clock %s is away since it was last seen ready', async (_, offS) => {
    const providerId = await world.joined();
    const { assessProvider } = world.activities;
    const node = { providerId, nodeName: providerId };
    await assessProvider(node);
    const seenMs = Date.now();
    await world.setNodeReady(providerId, false, new Date(seenMs + offS * 1_000));
    const found = await assessProvider(node);
    expect(found).toMatchObject({ status: 'offline' });
    expect(Math.abs(Date.parse(found!.awaySince!) - seenMs)).toBeLessThan(20_000);
  });

  test('a provider whose node stays unready loses its jobs, whose pods are removed although no kubelet confirms it', async () => {
    const providerId = await world.joined();
    const order = await world.running({ providerId });
    await world.setNodeReady(providerId, false);
    await world.jobBecomes(order, 'provider_lost');
    expect(await world.heldBy(order)).toEqual(heldNothing);
  });

  test('a job that is still waiting to be scheduled does not fail because its node is not ready for a while', async () => {
    const providerId = await world.joined();
    await world.kubernetes.core.patchNode({
      name: providerId,
      body: [{ op: 'add', path: '/spec/unschedulable', value: true }],
    });
    const order = await world.order({ providerId });
    await world.commands.startAndWait(order, 0);
    await until(() => world.podExists(order));
    await world.setNodeReady(providerId, false);
    await world.becomes(providerId, 'offline');
    await world.kubernetes.core.patchNode({ name: providerId, body: [{ op: 'remove', path: '/spec/unschedulable' }] });
    await world.setNodeReady(providerId, true);
    await world.jobBecomes(order, 'running');
    await world.commands.cancel(order.jobId, 'its owner', 20_000);
  });
});

describe('a provider whose node is deleted', () => {
  test('a provider whose node is deleted is offline, and its job is lost with it', async () => {
    const providerId = await world.joined();
    const order = await world.running({ providerId });
    await world.kubernetes.core.deleteNode({ name: providerId });
    await world.becomes(providerId, 'offline');
    await world.jobBecomes(order, 'provider_lost');
    expect(await world.heldBy(order)).toEqual(heldNothing);
  });

  test('a job whose node is deleted before its pod is made is lost, and does not wait for ever', async () => {
    const providerId = await world.joined();
    beforePod = async () => {
      beforePod = async () => {};
      await world.kubernetes.core.deleteNode({ name: providerId });
    };
    const order = await world.order({ providerId });
    await world.commands.startAndWait(order, 0);
    await world.jobBecomes(order, 'provider_lost');
    expect(await world.heldBy(order)).toEqual(heldNothing);
  });

  test('a provider whose node is made again is in service as another machine, where its old jobs do not go on', async () => {
    const providerId = await world.joined();
    const order = await world.running({ providerId });
    await world.replaceNode(providerId);
    await world.jobBecomes(order, 'provider_lost');
    await world.becomes(providerId, 'available');
    const next = await world.running({ providerId });
    await world.commands.cancel(next.jobId, 'its owner', 20_000);
  });

  test('a provider whose node is deleted is not back because another machine has its address', async () => {
    const providerId = await world.joined();
    const address = (await world.node(providerId))!.status!.addresses![0]!.address;
    await world.kubernetes.core.deleteNode({ name: providerId });
    await world.becomes(providerId, 'offline');
    const other = await world.joined();
    expect((await world.node(other))!.status!.addresses![0]!.address).toBe(address);
    expect((await world.row(providerId)).status).toBe('offline');
  });
});

describe('a dead GPU', () => {
  test('a dead GPU leaves the pool, ends no running job, and is for sale again when it is back', async () => {
    const providerId = await world.joined();
    const order = await world.running({ providerId, gpuCount: 6 });
    const gpus = async () => (await world.row(providerId)).resources.find(({ kind }) => kind === 'gpu')!;
    await world.setNodeGpus(providerId, 4);
    await until(async () => (await gpus()).total === 6);
    expect((await world.job(order)).status).toBe('running');
    const more = await world.order({ providerId });
    expect(await world.commands.startAndWait(more, decidedWithinMs)).toMatchObject({
      failure: { reason: 'no_capacity' },
    });
    await world.commands.cancel(order.jobId, 'its owner', 20_000);
    expect(await gpus()).toMatchObject({ total: 4, rented: 0 });
    await world.setNodeGpus(providerId, 8);
    await until(async () => (await gpus()).total === 8);
    expect((await world.row(providerId)).status).toBe('available');
  });

  test('the last GPU that dies takes the provider out of service, but not offline', async () => {
    const providerId = await world.joined();
    const order = await world.running({ providerId });
    await world.setNodeGpus(providerId, 0);
    await world.becomes(providerId, 'joined');
    expect(await isFound(providerId)).toBe(false);
    expect((await world.job(order)).status).toBe('running');
    await world.setNodeGpus(providerId, 8);
    await world.becomes(providerId, 'available');
    await world.commands.cancel(order.jobId, 'its owner', 20_000);
  });
});
