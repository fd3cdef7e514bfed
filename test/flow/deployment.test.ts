import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import type { Client } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { keepServed, readinessOf, type VersionState } from '../../src/temporal/deployment.js';
import { watchUnversioned, type UnversionedState } from '../../src/temporal/unversioned.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
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
  // A worker waits for its polls, for some seconds.
  await Promise.all(stops.map((stop) => stop()));
  await temporal.close();
});

/** A worker of one build as a broker starts it; its version is what `sweepHeartbeats` answers. */
async function startBuild(buildId: string, build: number, client: Client = temporal.client) {
  const version = { deploymentName, buildId };
  const activities = { sweepHeartbeats: async () => ({ silent: build, returned: 0, failed: 0 }) };
  const stopWorker = await temporal.startWorker(activities, {
    taskQueue,
    workerDeploymentOptions: { version, useWorkerVersioning: true, defaultVersioningBehavior: 'AUTO_UPGRADE' },
  });
  const stopped = new AbortController();
  // As brokers have it, but for the checks: a worker without work may not be heard for a minute.
  const patience = { checkEveryMs: 200, silentMs: 75_000 };
  const standings: VersionState[] = [];
  const kept = keepServed({
    client,
    taskQueue,
    version,
    logger: pino({ level: 'silent' }),
    signal: stopped.signal,
    patience,
    onState: (state) => standings.push(state),
  });
  const stop = async () => {
    stopped.abort();
    await Promise.all([kept, stopWorker()]);
  };
  stops.push(stop);
  return {
    /** Everything it was, in turn. */
    standings,
    becomes: (state: VersionState) => until(() => standings.at(-1) === state, { name: `${buildId} becomes ${state}` }),
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
  await Promise.all(workers.map((worker) => worker.becomes('current')));
  expect(await current()).toBe('first');
  expect(await servedBy()).toBe(1);
});

test('a new build takes over while the old one still serves, and an old worker that restarts takes nothing back', async () => {
  const old = await startBuild('old', 1);
  await old.becomes('current');
  const young = await startBuild('young', 2);
  await young.becomes('current');
  expect(await servedBy()).toBe(2);
  await old.stop();
  const restarted = await startBuild('old', 1);
  await restarted.becomes('stands_by');
  expect(await current()).toBe('young');
  expect(await servedBy()).toBe(2);
});

test('an older build serves again when no worker of the newer one is left', async () => {
  const old = await startBuild('old', 1);
  await old.becomes('current');
  const young = await startBuild('young', 2);
  await young.becomes('current');
  await old.stop();
  const again = await startBuild('old', 1);
  await again.becomes('stands_by');
  await young.stop();
  again.patience.silentMs = 0;
  await again.becomes('current');
  expect(await current()).toBe('old');
  expect(await servedBy()).toBe(1);
});

test('an old build that is still alive serves again when the new one has died, and keeps the work when the new one returns', async () => {
  const old = await startBuild('old', 1);
  await old.becomes('current');
  const young = await startBuild('young', 2);
  await young.becomes('current');
  await old.becomes('stands_by');
  await young.stop();
  old.patience.silentMs = 0;
  await old.becomes('current');
  expect(await current()).toBe('old');
  expect(await servedBy()).toBe(1);
  expect(old.standings).toContain('unserved');
  const again = await startBuild('young', 2);
  await again.becomes('stands_by');
  await sleep(2_000);
  expect(await current()).toBe('old');
  expect(old.standings.at(-1)).toBe('current');
});

test('two builds that are alive do not take work from each other', async () => {
  const old = await startBuild('old', 1);
  await old.becomes('current');
  const young = await startBuild('young', 2);
  await old.becomes('stands_by');
  await sleep(3_000);
  expect(old.standings).toEqual(['current', 'stands_by']);
  expect(young.standings).toEqual(['current']);
  expect(await current()).toBe('young');
});

test('a worker that may not take over from a version without workers reports that it is not ready', async () => {
  const rights = { toOrder: true };
  const old = await startBuild('old', 1, clientWith(rights));
  await old.becomes('current');
  rights.toOrder = false;
  await temporal.client.workflowService.setWorkerDeploymentCurrentVersion({
    namespace: temporal.client.options.namespace,
    deploymentName,
    buildId: 'young',
    ignoreMissingTaskQueues: true,
    allowNoPollers: true,
  });
  await old.becomes('unserved');
  expect(readinessOf('RUNNING', 'unserved')).toMatchObject({ ok: false });
  const young = await startBuild('young', 2);
  await old.becomes('stands_by');
  expect(readinessOf('RUNNING', 'stands_by')).toMatchObject({ ok: true });
  await young.becomes('current');
});

test('versions that an operator switched off stay off', async () => {
  const only = await startBuild('only', 1);
  await only.becomes('current');
  await temporal.client.workflowService.setWorkerDeploymentCurrentVersion({
    namespace: temporal.client.options.namespace,
    deploymentName,
    buildId: '',
    ignoreMissingTaskQueues: true,
  });
  await only.becomes('unserved');
  await temporal.startWorker({}, { taskQueue });
  await only.becomes('stands_by');
  expect((await current()) || undefined).toBeUndefined();
});

test('a worker without a version is not ready and names the command while a version is current, until an operator gives that', async () => {
  const { client } = temporal;
  const { namespace } = client.options;
  const stopped = new AbortController();
  const [states, said]: [UnversionedState[], string[]] = [[], []];
  const logger = pino({}, { write: (line) => void said.push(line) });
  const watching = watchUnversioned({
    ...{ client, deploymentName, logger, signal: stopped.signal, pace: { everyMs: 100 } },
    onState: (state) => states.push(state),
  });
  const becomes = (state: UnversionedState) => until(() => states.at(-1) === state, { name: `it becomes ${state}` });
  try {
    await becomes('unversioned');
    expect(said).toEqual([]);
    expect(readinessOf('RUNNING', 'unversioned')).toMatchObject({ ok: true });
    const only = await startBuild('only', 1);
    await only.becomes('current');
    await becomes('left_out');
    expect(readinessOf('RUNNING', 'left_out')).toMatchObject({ ok: false });
    expect(said.join('')).toContain(
      `temporal worker deployment set-current-version --namespace ${namespace} --deployment-name ${deploymentName} --unversioned`,
    );
    // As that command has it.
    await client.workflowService.setWorkerDeploymentCurrentVersion({ namespace, deploymentName, buildId: '' });
    await becomes('unversioned');
  } finally {
    stopped.abort();
    await watching;
  }
});

/** A client whose orders about versions the server refuses, where it has no right to give any. */
function clientWith(rights: { toOrder: boolean }): Client {
  const { options, workflowService } = temporal.client;
  const asked = workflowService.setWorkerDeploymentCurrentVersion.bind(workflowService) as (request: object) => unknown;
  const order = (request: object) => (rights.toOrder ? asked(request) : Promise.reject(new Error('not allowed')));
  const limited = Object.create(workflowService, { setWorkerDeploymentCurrentVersion: { value: order } }) as object;
  return { options, workflowService: limited } as Client;
}

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

test('a workflow that began in an old build answers and continues in the new one', async () => {
  const old = await startBuild('old', 1);
  await old.becomes('current');
  const { handle, state } = await waiting();
  await old.stop();
  await (await startBuild('young', 2)).becomes('current');
  expect(await state()).toMatchObject({ status: 'pending' });
  await handle.signal('miningChanged');
  await until(async () => (await handle.describe()).historyLength > 6, { name: 'the signal has had its effect' });
});

test('a workflow that began without versions continues in the first one', async () => {
  const stopUnversioned = await temporal.startWorker({}, { taskQueue });
  const { handle, state } = await waiting();
  await stopUnversioned();
  await (await startBuild('first', 1)).becomes('current');
  await handle.signal('miningChanged');
  await until(async () => (await handle.describe()).historyLength > 6, { name: 'the signal has had its effect' });
  expect(await state()).toMatchObject({ status: 'pending' });
});
