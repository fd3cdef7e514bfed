import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { movesOf } from '../../src/db/allocations.js';
import { findProvider } from '../../src/db/provider-reads.js';
import { jobWorkflowId, type JobOrder } from '../../src/domain/job.js';
import { mergePatch } from '../../src/kubernetes/client.js';
import { providerChanged, type JobState } from '../../workflows/job-messages.js';
import { createFleetWorld, heldNothing, type FleetWorld } from '../support/fleet-world.js';
import { createTraps } from '../support/traps.js';
import { decidedWithinMs, until } from '../support/until.js';

let world: FleetWorld;
const traps = createTraps();
beforeAll(async () => {
  world = await createFleetWorld({ JOB_STUCK_GRACE_S: 1, JOB_START_TIMEOUT_S: 60 }, traps.change);
});
afterAll(() => world.close());

/** Two machines of a type of their own: on the cheaper one no pod finds a place. */
async function brokenAndHealthy() {
  const model = `Type ${randomUUID().slice(0, 8)}`;
  const gpus = { model, count: 8 };
  const [broken, healthy] = [
    await world.provider({ gpus, gpuPrice: 0.25 }),
    await world.provider({ gpus, gpuPrice: 0.5 }),
  ];
  const taints = [{ key: 'broken', value: 'true', effect: 'NoSchedule' }];
  await world.kubernetes.core.patchNode({ name: broken, body: { spec: { taints } } }, mergePatch);
  return { broken, healthy, gpuType: model.toLowerCase().replace(' ', '-') };
}

async function start(order: JobOrder): Promise<JobState> {
  const state = await world.commands.startAndWait(order, decidedWithinMs);
  if (state === 'still_starting') throw new Error('still starting');
  return state;
}
const rented = async (providerId: string) =>
  (await findProvider(world.database.pool, providerId))!.resources.reduce((sum, { rented: amount }) => sum + amount, 0);
async function expectNothingHeld(order: JobOrder, ...providers: string[]): Promise<void> {
  await until(async () => !(await world.heldBy(order)).service, { timeoutMs: 30_000, name: 'the Service is gone' });
  expect(await world.heldBy(order)).toEqual(heldNothing);
  for (const providerId of providers) expect(await rented(providerId)).toBe(0);
}
const cancel = (order: JobOrder) => world.commands.cancel(order.jobId, 'its owner', decidedWithinMs);

describe('a job whose machine does not start it', () => {
  test('three orders in a row move from a machine that does not start them to another one, and pay the price there', async () => {
    const { broken, healthy, gpuType } = await brokenAndHealthy();
    for (let count = 1; count <= 3; count++) {
      const order = await world.order({ gpuType });
      expect(await start(order)).toMatchObject({ status: 'running', placement: { providerId: healthy } });
      expect(await world.job(order)).toMatchObject({ status: 'running', providerId: healthy, pricePerHour: 0.5 });
      expect(await movesOf(world.database.pool, order.jobId)).toEqual({ attempt: 2, failedAt: [broken] });
      expect((await world.heldBy(order)).reserved).toBe(String(10n ** 18n / 2n));
      expect(await rented(broken)).toBe(0);
      await cancel(order);
      await expectNothingHeld(order, broken, healthy);
    }
  }, 120_000);

  test('a job that has moved ignores news of the provider that it left', async () => {
    const { broken, healthy, gpuType } = await brokenAndHealthy();
    const order = await world.order({ gpuType });
    await start(order);
    const handle = world.temporal.client.workflow.getHandle(jobWorkflowId(order.jobId));
    const change = { online: false, final: true, at: new Date().toISOString() };
    await handle.signal(providerChanged, { ...change, providerId: broken });
    await sleep(2_000);
    expect((await world.job(order)).status).toBe('running');
    await handle.signal(providerChanged, { ...change, providerId: healthy });
    await world.jobBecomes(order, 'provider_lost');
    await expectNothingHeld(order, broken, healthy);
  }, 120_000);

  test('a job that cannot move because nobody else has room ends as no_capacity, and says who failed it', async () => {
    const { broken, healthy, gpuType } = await brokenAndHealthy();
    await world.database.pool.query('update providers set cordoned = true where provider_id = $1', [healthy]);
    const order = await world.order({ gpuType });
    expect(await start(order)).toMatchObject({
      status: 'failed',
      failure: { reason: 'no_capacity', message: expect.stringContaining(`${broken} did not start the job`) },
    });
    await expectNothingHeld(order, broken, healthy);
  }, 120_000);

  test('a job does not move to a provider that costs more than the price limit of its order, however much is reserved', async () => {
    const { broken, healthy, gpuType } = await brokenAndHealthy();
    const order = await world.order({ gpuType, maxRate: String((10n ** 18n * 3n) / 10n), maxPricePerHour: 0.3 });
    expect(await start(order)).toMatchObject({ status: 'failed', failure: { reason: 'no_capacity' } });
    await expectNothingHeld(order, broken, healthy);
  }, 120_000);

  test('a job does not move to a provider that its session cannot pay, and says so', async () => {
    const { broken, healthy, gpuType } = await brokenAndHealthy();
    const order = await world.order({ gpuType });
    const act = async () => {
      // Enough for the one that it is at, and not for the other.
      const limit = String((10n ** 18n * 3n) / 10n);
      await world.database.pool.query('update auth_sessions set spend_limit = $2 where wallet = $1', [
        order.wallet,
        limit,
      ]);
    };
    traps.set(order.jobId, { step: 'placeJob', when: 'after', act });
    expect(await start(order)).toMatchObject({
      status: 'failed',
      failure: { reason: 'no_capacity', message: expect.stringContaining('costs more than the session has left') },
    });
    await expectNothingHeld(order, broken, healthy);
  }, 120_000);

  test('a job that its customer wanted at one provider does not move, and fails there', async () => {
    const { broken, gpuType } = await brokenAndHealthy();
    const order = await world.order({ gpuType, providerId: broken });
    expect(await start(order)).toMatchObject({ status: 'failed', failure: { reason: 'unschedulable' } });
    await expectNothingHeld(order, broken);
  }, 120_000);

  test('a job whose image does not exist anywhere fails at the first provider', async () => {
    const { broken, healthy, gpuType } = await brokenAndHealthy();
    const order = await world.order({
      gpuType,
      image: 'docker.io/library/does-not-exist:1',
      excludeProviders: [broken],
    });
    expect(await start(order)).toMatchObject({ status: 'failed', failure: { reason: 'image_pull_failed' } });
    expect(await movesOf(world.database.pool, order.jobId)).toEqual({ attempt: 1, failedAt: [] });
    await expectNothingHeld(order, broken, healthy);
  }, 120_000);
});

const boundaries = (
  [
    ['teardownJob', 1],
    ['leaveProvider', 1],
    ['placeJob', 2],
    ['provisionJob', 2],
  ] as const
).flatMap(([step, nth]) => [['before', step, nth] as const, ['after', step, nth] as const]);

/** Has a job move with something done at each boundary, all of them side by side; the tests look at one each. */
function atEachBoundary<T>(
  run: (
    order: JobOrder,
    arm: (act: () => Promise<void>) => void,
    fleet: Awaited<ReturnType<typeof brokenAndHealthy>>,
  ) => Promise<T>,
) {
  const runs = new Map<string, Promise<T>>();
  beforeAll(() => {
    for (const [when, step, nth] of boundaries) {
      const outcome = (async () => {
        const fleet = await brokenAndHealthy();
        const order = await world.order({ gpuType: fleet.gpuType });
        return await run(order, (act) => traps.set(order.jobId, { step, when, nth, act }), fleet);
      })();
      outcome.catch(() => undefined);
      runs.set([when, step].join(), outcome);
    }
  });
  return (when: string, step: string) => runs.get([when, step].join())!;
}

describe('a process that dies during a move', () => {
  const lived = atEachBoundary(async (order, arm, { broken, healthy }) => {
    let sprung = false;
    arm(() => {
      sprung = true;
      return Promise.reject(new Error('the process died here'));
    });
    const { status, placement } = await start(order);
    const held = (await world.heldBy(order)).reserved;
    const left = await rented(broken);
    const { rows } = await world.database.pool.query<{ attempt: number; provider_id: string }>(
      'select attempt, provider_id from provider_failures where job_id = $1',
      [order.jobId],
    );
    const isNotedOnce = rows.length === 1 && rows[0]!.attempt === 1 && rows[0]!.provider_id === broken;
    await cancel(order);
    await expectNothingHeld(order, broken, healthy);
    return { sprung, status, isThere: placement?.providerId === healthy, held, left, isNotedOnce };
  });

  test.each<[string, string]>(boundaries.map(([when, step]) => [when, step]))(
    'a process that dies during a move right %s %s loses nothing and makes nothing twice',
    async (when, step) => {
      const held = String(10n ** 18n / 2n);
      const expected = { sprung: true, status: 'running', isThere: true, held, left: 0, isNotedOnce: true };
      expect(await lived(when, step)).toEqual(expected);
    },
    180_000,
  );
});

describe('a cancellation during a move', () => {
  const ended = atEachBoundary(async (order, arm, { broken, healthy }) => {
    let cancelled: Promise<unknown> | undefined;
    arm(async () => {
      cancelled = cancel(order);
      await sleep(500);
    });
    await world.commands.startAndWait(order, decidedWithinMs);
    await until(() => cancelled !== undefined, { timeoutMs: 60_000, name: 'the step is reached' });
    await cancelled;
    await world.jobBecomes(order, 'cancelled');
    await expectNothingHeld(order, broken, healthy);
  });

  test.each<[string, string]>(boundaries.map(([when, step]) => [when, step]))(
    'a cancellation during a move right %s %s ends the job cleanly',
    async (when, step) => {
      await ended(when, step);
    },
    180_000,
  );
});
