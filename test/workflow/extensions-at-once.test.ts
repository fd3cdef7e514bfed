import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Worker } from '@temporalio/worker';
import { jobWorkflowId } from '../../src/domain/job.js';
import { createFleetWorld, type FleetWorld } from '../support/fleet-world.js';
import { workflowBundle } from '../support/temporal.js';

const seconds = [60, 120, 180, 240, 300, 360, 420, 480];
let world: FleetWorld;
beforeAll(async () => {
  const tries = new Map<string, number>();
  world = await createFleetWorld({}, ({ recordExtension }) => ({
    /** A database that is slow, and away now and then: answers come in another order than questions. */
    async recordExtension(extension) {
      const { requestId, seconds: asked } = extension;
      const attempt = (tries.get(requestId) ?? 0) + 1;
      tries.set(requestId, attempt);
      const recorded = await recordExtension(extension);
      await sleep(asked === seconds[0] ? 900 : 500 - asked);
      if (attempt === 1 && asked % 180 === 0) throw new Error('the answer was lost');
      return recorded;
    },
  }));
});
afterAll(() => world.close());

/** Another worker, which knows the job by its history alone, would take the same steps. */
async function goesOnElsewhere(jobId: string): Promise<void> {
  const workflowId = jobWorkflowId(jobId);
  const history = await world.temporal.client.workflow.getHandle(workflowId).fetchHistory();
  const code = await readFile(await workflowBundle(), 'utf8');
  for await (const { error } of Worker.runReplayHistories({ workflowBundle: { code } }, [{ workflowId, history }])) {
    expect(error).toBeUndefined();
  }
}

test('extensions at once whose answers come in any order leave a history that another worker goes on with', async () => {
  const order = await world.running({ providerId: await world.joined() });
  const { expiresAt: before } = await world.job(order);
  await Promise.all(seconds.map((each) => world.commands.extend(order.jobId, `by-${each}`, each)));
  const { expiresAt: after } = await world.job(order);
  expect(after!.getTime() - before!.getTime()).toBe(1_000 * seconds.reduce((sum, each) => sum + each, 0));
  await goesOnElsewhere(order.jobId);
  await world.restart();
  expect(await world.commands.cancel(order.jobId, 'its owner', 30_000)).toMatchObject({ status: 'cancelled' });
});

test('so does a job that is cancelled while it is extended', async () => {
  const order = await world.running({ providerId: await world.joined() });
  const extending = seconds.map((each) => world.commands.extend(order.jobId, `late-${each}`, each));
  const outcomes = Promise.allSettled(extending);
  await sleep(700);
  expect(await world.commands.cancel(order.jobId, 'its owner', 30_000)).toMatchObject({ status: 'cancelled' });
  expect((await outcomes).length).toBe(seconds.length);
  await goesOnElsewhere(order.jobId);
});
