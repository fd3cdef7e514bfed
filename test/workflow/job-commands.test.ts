import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { WorkflowUpdateStage, type Client } from '@temporalio/client';
import { BrokerError } from '../../src/domain/errors.js';
import { jobWorkflowId, type JobOrder } from '../../src/domain/job.js';
import { connectTemporal } from '../../src/temporal/client.js';
import { createJobCommands } from '../../src/temporal/jobs.js';
import { sshReady } from '../../workflows/job-messages.js';
import { startLine, type Line } from '../support/line.js';
import { decidedWithinMs, until } from '../support/until.js';
import { createWorld, type World } from '../support/world.js';

/** As many updates as one workflow may have at a time. */
const updatesAtOnce = 10;

let world: World;
beforeAll(async () => {
  world = await createWorld({ JOB_STUCK_GRACE_S: 300, JOB_START_TIMEOUT_S: 300 });
});
afterAll(() => world.close());

const handleOf = ({ jobId }: JobOrder) => world.temporal.client.workflow.getHandle(jobWorkflowId(jobId));
const cancel = ({ jobId }: JobOrder, waitMs = decidedWithinMs) => world.commands.cancel(jobId, 'its owner', waitMs);

/** An order whose pod never becomes Ready. */
async function slowOrder(): Promise<JobOrder> {
  return await world.order({ providerId: await world.provider(), image: 'docker.io/library/does-not-exist:1' });
}

/** How many events of one kind the history of a job has. */
async function count(order: JobOrder, type: 'signals' | 'updates'): Promise<number> {
  const { events } = await handleOf(order).fetchHistory();
  const found = events!.filter(
    ({ workflowExecutionSignaledEventAttributes, workflowExecutionUpdateAcceptedEventAttributes }) =>
      type === 'updates'
        ? workflowExecutionUpdateAcceptedEventAttributes
        : workflowExecutionSignaledEventAttributes?.signalName === 'cancelRequested',
  );
  return found.length;
}

/** A job that is starting, with all the updates waiting that the server lets it have. */
async function crowdedJob(): Promise<JobOrder> {
  const order = await slowOrder();
  await world.commands.startAndWait(order, 0);
  for (let each = 0; each < updatesAtOnce; each++) {
    await handleOf(order).startUpdate(sshReady, { waitForStage: WorkflowUpdateStage.ACCEPTED });
  }
  return order;
}

describe('a cancellation', () => {
  test('a cancellation ends a job on whose start ten callers wait', async () => {
    const order = await crowdedJob();
    expect(await cancel(order)).toMatchObject({ status: 'cancelled' });
    expect((await world.job(order)).status).toBe('cancelled');
  });

  test('a cancellation that was acknowledged while no worker was there ends the job once there is one', async () => {
    const config = { ...world.config, TEMPORAL_TASK_QUEUE: 'nobody-serves-it' };
    const commands = createJobCommands(world.temporal.client, config);
    const order = await slowOrder();
    expect(await commands.startAndWait(order, 500)).toBe('still_starting');
    expect(await commands.cancel(order.jobId, 'its owner', 500)).toBe('still_ending');
    const stop = await world.temporal.startWorker(world.activities, { taskQueue: config.TEMPORAL_TASK_QUEUE });
    await until(async () => (await world.job(order)).status === 'cancelled', { name: 'the job is cancelled' });
    await stop();
  });

  test('a repeated cancellation adds nothing to the history', async () => {
    const order = await slowOrder();
    const commands = createJobCommands(world.temporal.client, { ...world.config, TEMPORAL_TASK_QUEUE: 'nobody' });
    await commands.startAndWait(order, 0);
    for (let each = 0; each < 5; each++) {
      expect(await commands.cancel(order.jobId, 'its owner', 0)).toBe('still_ending');
    }
    expect(await count(order, 'signals')).toBe(1);
    await handleOf(order).terminate();
  });

  test('a cancellation reports that the job is over, or that no workflow looks after it', async () => {
    const order = await world.order({ providerId: await world.provider(), gpuCount: 9 });
    expect(await cancel(order)).toBe('no_workflow');
    expect(await world.commands.startAndWait(order, decidedWithinMs)).toMatchObject({
      failure: { reason: 'no_capacity' },
    });
    await handleOf(order).result();
    expect(await cancel(order)).toBe('already_ended');
  });
});

describe('repeats of an order', () => {
  test('repeats of an order wait in one update, however many there are', async () => {
    const order = await slowOrder();
    const repeats = Array.from({ length: updatesAtOnce + 5 }, () => world.commands.startAndWait(order, 3_000));
    expect(new Set(await Promise.all(repeats))).toEqual(new Set(['still_starting']));
    // On a busy machine the wait may be over before the workflow has taken it.
    await until(async () => (await count(order, 'updates')) > 0, { name: 'the workflow has taken the update' });
    expect(await count(order, 'updates')).toBe(1);
    await cancel(order);
  });

  test('repeats of an order join a wait whose first caller went away, and are told its end', async () => {
    const order = await world.order({ providerId: await world.provider(), image: 'docker.io/library/slow-start:1' });
    expect(await world.commands.startAndWait(order, 500)).toBe('still_starting');
    expect(await world.commands.startAndWait(order, decidedWithinMs)).toMatchObject({ status: 'running' });
    expect(await world.commands.startAndWait(order, decidedWithinMs)).toMatchObject({ status: 'running' });
    expect(await count(order, 'updates')).toBe(1);
    await cancel(order);
    expect(await world.commands.startAndWait(order, 0)).toBe('still_starting');
  });

  test('repeats of an order start a job that has no room for another waiting caller', async () => {
    const order = await crowdedJob();
    expect(await world.commands.startAndWait(order, 5_000)).toBe('still_starting');
    await cancel(order);
  });
});

test('an extension is refused with a reason while the job has as many requests under way as it may have', async () => {
  const order = await crowdedJob();
  await expect(world.commands.extend(order.jobId, 'one', 60)).rejects.toMatchObject({
    code: 'rate_limited',
    detail: expect.stringContaining('under way'),
    extra: { limit: 'job_requests', per: 'job', allowed: 10 },
  });
  await cancel(order);
});

describe('a broken connection to Temporal', () => {
  let line: Line;
  let client: Client;
  let commands: World['commands'];
  beforeAll(async () => {
    const [host, port] = world.config.TEMPORAL_ADDRESS.split(':');
    line = await startLine({ host: host!, port: Number(port) });
    client = await connectTemporal({ ...world.config, TEMPORAL_ADDRESS: `127.0.0.1:${line.port}` });
    commands = createJobCommands(client, world.config);
  });
  afterAll(async () => {
    await client.connection.close();
    await line.close();
  });

  const unlessAway = (error: unknown) => {
    if (!(error instanceof BrokerError) || error.code !== 'dependency_unavailable') throw error;
  };
  const faults: [string, () => void | Promise<void>][] = [
    ['dead', () => line.stall()],
    ['cut', () => line.cut()],
  ];
  test.each(faults)(
    'no start and no cancellation is acknowledged while the connection to Temporal is %s',
    async (_how, fault) => {
      const running = await slowOrder();
      await commands.startAndWait(running, 0);
      const ordered = await slowOrder();
      await fault();
      try {
        const away = { code: 'dependency_unavailable' };
        await expect(commands.startAndWait(ordered, 1_000)).rejects.toMatchObject(away);
        await expect(commands.startAndWait(ordered, 0)).rejects.toMatchObject(away);
        await expect(commands.cancel(running.jobId, 'its owner', 1_000)).rejects.toMatchObject(away);
      } finally {
        await line.mend();
      }
      // The same requests again, once the client has found out that the line is mended: it may wait before it tries.
      const again = () => commands.startAndWait(ordered, 1_000).catch(unlessAway);
      await until(async () => (await again()) === 'still_starting', { name: 'the start is acknowledged' });
      for (const order of [running, ordered]) {
        expect(await commands.cancel(order.jobId, 'its owner', decidedWithinMs)).toMatchObject({ status: 'cancelled' });
      }
    },
    120_000,
  );
});
