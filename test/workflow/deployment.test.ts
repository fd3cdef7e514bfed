import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { takeOver } from '../../src/temporal/deployment.js';
import { workflowTypes } from '../../workflows/messages.js';
import { freshTemporal, type TestTemporal } from '../support/temporal.js';
import { until } from '../support/until.js';

let temporal: TestTemporal;
let deploymentName: string;
let taskQueue: string;
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  temporal = await freshTemporal();
});
beforeEach(() => {
  deploymentName = `site-${randomUUID().slice(0, 8)}`;
  taskQueue = `queue-${deploymentName}`;
});
afterAll(async () => {
  for (const stop of stops) await stop();
  await temporal.close();
});

/** A worker of one build as a broker starts it; its version is what `sweepHeartbeats` answers. */
async function startBuild(buildId: string, build: number) {
  const version = { deploymentName, buildId };
  const activities = { sweepHeartbeats: async () => ({ silent: build, returned: 0 }) };
  const stopWorker = await temporal.startWorker(activities, {
    taskQueue,
    workerDeploymentOptions: { version, useWorkerVersioning: true, defaultVersioningBehavior: 'AUTO_UPGRADE' },
  });
  const stopped = new AbortController();
  // As brokers have it, but for the looks: a worker without work may not be heard for a minute.
  const patience = { standByMs: 200, silentMs: 75_000 };
  let standsBy = false;
  const took = takeOver(
    {
      client: temporal.client,
      taskQueue,
      version,
      logger: pino({ level: 'silent' }),
      signal: stopped.signal,
      patience,
    },
    () => (standsBy = true),
  );
  const stop = async () => {
    stopped.abort();
    await Promise.all([took, stopWorker()]);
  };
  stops.push(stop);
  return {
    took,
    standsBy: () => standsBy,
    patience,
    stop: async () => void (stops.splice(stops.indexOf(stop), 1), await stop()),
  };
}

async function current(): Promise<string | null | undefined> {
  const { namespace } = temporal.client.options;
  const { workerDeploymentInfo } = await temporal.client.workflowService.describeWorkerDeployment({
    namespace,
    deploymentName,
  });
  return workerDeploymentInfo?.routingConfig?.currentDeploymentVersion?.buildId;
}

/** Which build runs a workflow that starts now. */
async function servedBy(): Promise<number> {
  const workflowId = `sweep-${randomUUID()}`;
  const found = (await temporal.client.workflow.execute(workflowTypes.heartbeatSweep, { workflowId, taskQueue })) as {
    silent: number;
  };
  return found.silent;
}

test('the first version of a site becomes current by itself, however many workers start at once', async () => {
  const workers = await Promise.all([startBuild('first', 1), startBuild('first', 1), startBuild('first', 1)]);
  await Promise.all(workers.map(({ took }) => took));
  expect(await current()).toBe('first');
  expect(await servedBy()).toBe(1);
});

test('a new build takes over while the old one still serves, and an old worker that restarts takes nothing back', async () => {
  const old = await startBuild('old', 1);
  await old.took;
  const young = await startBuild('young', 2);
  await young.took;
  expect(await servedBy()).toBe(2);
  await old.stop();
  const restarted = await startBuild('old', 1);
  await until(() => restarted.standsBy(), { name: 'the old one stands by' });
  expect(await current()).toBe('young');
  expect(await servedBy()).toBe(2);
});

test('an older build serves again when no worker of the newer one is left', async () => {
  const old = await startBuild('old', 1);
  await old.took;
  const young = await startBuild('young', 2);
  await young.took;
  await old.stop();
  const again = await startBuild('old', 1);
  await until(() => again.standsBy(), { name: 'the old one stands by' });
  await young.stop();
  again.patience.silentMs = 0;
  await again.took;
  expect(await current()).toBe('old');
  expect(await servedBy()).toBe(1);
});

/** A provider's workflow as it waits for a registration. */
async function waiting() {
  const handle = await temporal.client.workflow.start(workflowTypes.provider, {
    workflowId: `provider:${deploymentName}`,
    taskQueue,
    args: [{ providerId: deploymentName }],
  });
  const state = () => handle.query<{ status: string; waitingFor: string }>('providerState');
  expect(await state()).toMatchObject({ status: 'pending' });
  return { handle, state };
}

test('a workflow that began in an old build answers and goes on in the new one', async () => {
  const old = await startBuild('old', 1);
  await old.took;
  const { handle, state } = await waiting();
  await old.stop();
  await (
    await startBuild('young', 2)
  ).took;
  expect(await state()).toMatchObject({ status: 'pending' });
  await handle.signal('miningChanged');
  await until(async () => (await handle.describe()).historyLength > 6, { name: 'the signal has had its effect' });
});

test('a workflow that began without versions goes on in the first one', async () => {
  const stopUnversioned = await temporal.startWorker({}, { taskQueue });
  const { handle, state } = await waiting();
  await stopUnversioned();
  await (
    await startBuild('first', 1)
  ).took;
  await handle.signal('miningChanged');
  await until(async () => (await handle.describe()).historyLength > 6, { name: 'the signal has had its effect' });
  expect(await state()).toMatchObject({ status: 'pending' });
});
