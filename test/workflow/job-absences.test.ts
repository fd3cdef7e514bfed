import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { gapsOf } from '../../src/db/job-gaps.js';
import { billedTime } from '../../src/domain/billing.js';
import type { JobOrder } from '../../src/domain/job.js';
import { createFleetWorld, type FleetWorld } from '../support/fleet-world.js';
import { jobEndings } from '../support/job-endings.js';
import { until } from '../support/until.js';

let world: FleetWorld;
/** What happens before jobs are told that a machine was replaced by another one. */
let beforeFinalNews = async (): Promise<void> => undefined;
beforeAll(async () => {
  world = await createFleetWorld(
    { PROVIDER_LOSS_GRACE_S: 14, JOB_STUCK_GRACE_S: 1, JOB_START_TIMEOUT_S: 30 },
    ({ tellJobs }) => ({
      async tellJobs(news) {
        if (news.final === true) await beforeFinalNews();
        return await tellJobs(news);
      },
    }),
  );
});
afterAll(() => world.close());

/** What holds back whoever waits for it until a test opens it. */
function gate() {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

const { cancel, kubeletSays, over } = jobEndings(() => world);

describe('time in which the provider was away', () => {
  test('time in which the provider was away is not paid for when it came back and the customer cancelled', async () => {
    const providerId = await world.joined();
    const order = await world.running({ providerId });
    await sleep(1_000);
    await world.setNodeReady(providerId, false);
    await world.becomes(providerId, 'offline');
    await until(async () => (await world.job(order)).message.includes('not paid for'), { name: 'the customer knows' });
    await sleep(1_000);
    await world.setNodeReady(providerId, true);
    await world.becomes(providerId, 'available');
    await until(async () => (await gapsOf(world.database.pool, order.jobId)).length === 1, {
      name: 'the gap stands there',
    });
    expect((await world.job(order)).message).toBe('');
    await cancel(order);
    const { billedMs, servedUntil, startedAt } = await over(order);
    const [gap] = await gapsOf(world.database.pool, order.jobId);
    expect(gap!.toMs - gap!.fromMs).toBeGreaterThan(1_000);
    const counted = billedTime({
      readyAtMs: startedAt.getTime(),
      expiresAtMs: Infinity,
      endAtMs: servedUntil.getTime(),
      gaps: [gap!],
    });
    expect(counted.gaps).toHaveLength(1);
    expect(billedMs).toBe(counted.billedMs);
  });

  test.each<[string, (order: JobOrder) => Promise<unknown>, string]>([
    ['the customer cancelled', cancel, 'cancelled'],
    ['the time was over', (order) => world.jobBecomes(order, 'expired'), 'expired'],
    ['the broker gave it up', (order) => world.jobBecomes(order, 'provider_lost'), 'provider_lost'],
  ])(
    'time in which the provider was away is not paid for when it did not come back before %s',
    async (_what, end, status) => {
      const providerId = await world.joined();
      const order = await world.running({ providerId, durationSeconds: status === 'expired' ? 10 : 3_600 });
      await sleep(1_000);
      const awayMs = Date.now();
      await world.setNodeReady(providerId, false);
      await world.becomes(providerId, 'offline');
      await sleep(1_000);
      await end(order);
      const { job, servedUntil, billedMs, startedAt } = await over(order);
      expect(job.status).toBe(status);
      expect(billedMs).toBe(servedUntil.getTime() - startedAt.getTime());
      expect(Math.abs(servedUntil.getTime() - awayMs)).toBeLessThan(1_100);
    },
  );
});

describe('a machine that loses a GPU', () => {
  test('a machine that lost a GPU does not serve those who rent its GPUs until the GPU is back, and serves all others', async () => {
    const providerId = await world.joined();
    const renting = await world.running({ providerId, gpuCount: 8 });
    const other = await world.running({ providerId, gpuCount: 0 });
    await world.setNodeGpus(providerId, 7);
    await until(async () => (await world.job(renting)).message.includes('fewer GPUs'), { name: 'its customer knows' });
    await world.setNodeGpus(providerId, 8);
    await until(async () => (await gapsOf(world.database.pool, renting.jobId)).length === 1, {
      name: 'the gap stands there',
    });
    await Promise.all([cancel(renting), cancel(other)]);
    const [rented, served] = await Promise.all([over(renting), over(other)]);
    expect(rented.billedMs).toBeLessThan(rented.servedUntil.getTime() - rented.startedAt.getTime());
    expect(served.billedMs).toBe(served.servedUntil.getTime() - served.startedAt.getTime());
    expect(served.job.message).toBe('an operator ended it');
  });

  test('a machine that does not get its lost GPU back in time is lost for those who rent its GPUs', async () => {
    const providerId = await world.joined();
    const renting = await world.running({ providerId, gpuCount: 8 });
    const other = await world.running({ providerId, gpuCount: 0 });
    await sleep(1_000);
    const lostMs = Date.now();
    await world.setNodeGpus(providerId, 0);
    await until(async () => (await world.job(renting)).message.includes('fewer GPUs'), { name: 'its customer knows' });
    const knownMs = Date.now();
    await world.jobBecomes(renting, 'provider_lost');
    const { job, servedUntil } = await over(renting);
    expect(job.failure!.message).toContain('lost a GPU');
    expect(servedUntil.getTime()).toBeGreaterThan(lostMs - 1_100);
    expect(servedUntil.getTime()).toBeLessThanOrEqual(knownMs);
    expect((await world.job(other)).status).toBe('running');
    await cancel(other);
  });
});

test('a pod that its kubelet rejects after a restart was served until its machine was last seen', async () => {
  const providerId = await world.joined();
  const order = await world.running({ providerId });
  await sleep(1_000);
  const awayMs = Date.now();
  await world.setNodeReady(providerId, false);
  await world.becomes(providerId, 'offline');
  await sleep(1_500);
  await world.setNodeReady(providerId, true);
  await world.becomes(providerId, 'available');
  const refusal = {
    phase: 'Failed',
    reason: 'UnexpectedAdmissionError',
    message: 'Allocate failed',
    containerStatuses: [],
  };
  await kubeletSays(order, refusal);
  await world.jobBecomes(order, 'provider_lost');
  const { servedUntil } = await over(order);
  expect(Math.abs(servedUntil.getTime() - awayMs)).toBeLessThan(1_100);
});

test('a job on the new node of a reinstalled machine is not told of the end of the jobs on the old node', async () => {
  const providerId = await world.joined();
  const old = await world.running({ providerId });
  const [reached, told] = [gate(), gate()];
  beforeFinalNews = async () => {
    reached.open();
    await told.opened;
  };
  await world.replaceNode(providerId);
  await reached.opened;
  const next = await world.running({ providerId });
  beforeFinalNews = async () => undefined;
  told.open();
  await world.jobBecomes(old, 'provider_lost');
  await until(async () => (await world.state(providerId)).waitingFor.startsWith('nothing'), { name: 'all is told' });
  expect((await world.job(next)).status).toBe('running');
  await cancel(next);
});
