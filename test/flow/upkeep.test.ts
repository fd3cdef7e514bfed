import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Client, Connection, isGrpcServiceError } from '@temporalio/client';
import { pino } from 'pino';
import { ConfigError, type Config } from '../../src/config.js';
import { removeMovedSchedules } from '../../src/temporal/moved-schedules.js';
import { createReconcilerRuns } from '../../src/temporal/reconciler-runs.js';
import { ensureSchedules, reconcileNow, upkeepSchedules } from '../../src/temporal/schedules.js';
import { ensureUpkeepNamespace, upkeepClient } from '../../src/temporal/upkeep.js';
import { testConfig } from '../support/config.js';
import { freshTemporal, type TestTemporal } from '../support/temporal.js';
import { until } from '../support/until.js';

let temporal: TestTemporal;
let config: Config;
let upkeep: Client;
const made = new Set<string>();

beforeAll(async () => {
  temporal = await freshTemporal();
  config = testConfig({ ...temporal.config, ...newName(temporal.config.TEMPORAL_NAMESPACE) });
  upkeep = upkeepClient(temporal.client, config);
  await ensureUpkeepNamespace(upkeep);
  await ensureSchedules(temporal.client, config);
});
afterAll(async () => {
  const { operatorService } = temporal.client.connection as Connection;
  for (const namespace of made) await operatorService.deleteNamespace({ namespace }).catch(() => undefined);
  await temporal.close();
});

function newName(of: string) {
  const TEMPORAL_UPKEEP_NAMESPACE = `${of}-upkeep-${randomUUID().slice(0, 8)}`;
  made.add(TEMPORAL_UPKEEP_NAMESPACE);
  return { TEMPORAL_UPKEEP_NAMESPACE };
}

async function idsOf(client: Client): Promise<string[]> {
  const ids: string[] = [];
  for await (const { scheduleId } of client.schedule.list()) ids.push(scheduleId);
  return ids.sort();
}

/** Temporal lists Schedules some moments later. */
const has = (client: Client, ids: readonly string[]) =>
  until(async () => String(await idsOf(client)) === String([...ids].sort()), {
    name: `the Schedules are ${ids.join(', ')}`,
    timeoutMs: 60_000,
    everyMs: 200,
  });

const withoutChain = upkeepSchedules.filter((id) => id !== 'vault-watch');

test('the namespace of the upkeep has the name of the other one with -upkeep behind it, unless another is set', () => {
  const named = (env: Record<string, string>) =>
    testConfig({}, { TEMPORAL_NAMESPACE: 'site', ...env }).TEMPORAL_UPKEEP_NAMESPACE;
  expect(named({})).toBe('site-upkeep');
  expect(named({ TEMPORAL_UPKEEP_NAMESPACE: 'other' })).toBe('other');
  expect(upkeepClient(temporal.client, testConfig(temporal.config))).toBe(temporal.client);
});

test('a site without a worker has no runs of the reconciler yet, which is no outage', async () => {
  const none = upkeepClient(temporal.client, newName('none'));
  expect(await createReconcilerRuns(none)()).toEqual({ repairs: 0, failures: 0 });
});

test('workers that start at once make the namespace, and what is periodic is scheduled there and nowhere else', async () => {
  const fresh = { ...config, ...newName('fresh') };
  const itsUpkeep = upkeepClient(temporal.client, fresh);
  await Promise.all([1, 2, 3].map(() => ensureUpkeepNamespace(itsUpkeep)));
  await ensureSchedules(temporal.client, fresh);
  await reconcileNow(itsUpkeep);
  await has(itsUpkeep, withoutChain);
  await has(temporal.client, []);
  const { action } = await itsUpkeep.schedule.getHandle('heartbeat-sweep').describe();
  expect(action).toMatchObject({ staticSummary: 'finds providers that fell silent or came back' });
});

test('on a site with a chain, the vault is read in the namespace of the upkeep, and settlements stay with the jobs', async () => {
  const chain = { ENABLE_BLOCKCHAIN: 'true', BLOCKCHAIN_RPC_URL: 'http://127.0.0.1:9', BLOCKCHAIN_CHAIN_ID: '1' };
  const vault = { VAULT_ADDRESS: `0x${'ab'.repeat(20)}`, BROKER_ROLES: 'api' };
  const onChain = testConfig(
    { ...temporal.config, TEMPORAL_UPKEEP_NAMESPACE: config.TEMPORAL_UPKEEP_NAMESPACE },
    { ...chain, ...vault },
  );
  await ensureSchedules(temporal.client, onChain);
  await has(upkeep, upkeepSchedules);
  await has(temporal.client, ['settlement']);
  await ensureSchedules(temporal.client, config);
  await has(upkeep, withoutChain);
  await has(temporal.client, []);
});

test.each<[string, 'listWorkflowExecutions' | 'registerNamespace', number, RegExp]>([
  ['make the namespace', 'registerNamespace', 7, /has no namespace \S+, and does not let the broker make it/],
  ['give names to namespaces', 'registerNamespace', 3, /has no namespace \S+, and does not let the broker make it/],
  ['look into the namespace', 'listWorkflowExecutions', 7, /does not let the broker use the namespace/],
])('a server that does not let the broker %s gets an operator who is told how', async (_what, call, code, says) => {
  const missing = upkeepClient(temporal.client, newName('missing'));
  const refusal = Object.assign(new Error(`${code} refused`), { code, details: 'no', metadata: {} });
  expect(isGrpcServiceError(refusal)).toBe(true);
  const limited = Object.create(missing.workflowService, {
    [call]: { value: () => Promise.reject(refusal) },
  }) as object;
  const client = { options: missing.options, workflowService: limited } as Client;
  const refused = ensureUpkeepNamespace(client);
  await expect(refused).rejects.toBeInstanceOf(ConfigError);
  await expect(refused).rejects.toThrow(says);
  await expect(refused).rejects.toThrow(/^TEMPORAL_UPKEEP_NAMESPACE: .*temporal operator namespace create/);
});

/** A process that asks for work in these namespaces, over and over; returns a function that ends it. */
function asksFor(identity: string, clients: readonly Client[]): () => Promise<void> {
  const stopped = new AbortController();
  const asking = clients.map(async ({ workflowService, options: { namespace }, connection }) => {
    while (!stopped.signal.aborted) {
      const poll = { namespace, identity, taskQueue: { name: temporal.config.TEMPORAL_TASK_QUEUE } };
      await connection
        // The server refuses to wait for less than two seconds.
        .withDeadline(Date.now() + 3_000, () => workflowService.pollWorkflowTaskQueue(poll))
        .catch(() => sleep(50));
    }
  });
  return async () => {
    stopped.abort();
    await Promise.all(asking);
  };
}

/** Waits until the server has heard a process ask for work where the jobs are. */
async function isHeard(identity: string): Promise<void> {
  const { namespace } = temporal.client.options;
  const taskQueue = { name: temporal.config.TEMPORAL_TASK_QUEUE };
  const heard = async () => {
    const { pollers } = await temporal.client.workflowService.describeTaskQueue({
      namespace,
      taskQueue,
      taskQueueType: 1,
    });
    return pollers.some((poller) => poller.identity === identity);
  };
  await until(heard, { name: `${identity} is heard`, everyMs: 100 });
}

test('Schedules of an older version stay while a worker of it lives, go when none is left, and go again after they were put back', async () => {
  const { client } = temporal;
  /** What a version without a namespace for the upkeep does when it starts. */
  const startOld = async () => await ensureSchedules(client, testConfig(temporal.config));
  const leave = new AbortController();
  const stops = [asksFor('new@host', [client, upkeep])];
  await has(upkeep, withoutChain);
  await startOld();
  await has(client, withoutChain);
  let stopOld = asksFor('old@host', [client]);
  await isHeard('old@host');
  const moving = removeMovedSchedules({
    ...{ client, upkeep, taskQueue: temporal.config.TEMPORAL_TASK_QUEUE, logger: pino({ level: 'silent' }) },
    ...{ signal: leave.signal, pace: { everyMs: 100, silentMs: 6_000, looks: 4 } },
  });
  try {
    for (let time = 0; time < 2; time++) {
      await sleep(2_000);
      expect(await idsOf(client)).toEqual([...withoutChain].sort());
      await stopOld();
      if (time === 0) {
        // A way back pauses what its kept worker would go on with: nobody else does the work of the old Schedule then.
        const paused = upkeep.schedule.getHandle('heartbeat-sweep');
        await paused.pause('way back');
        await has(client, ['heartbeat-sweep']);
        await sleep(3_000);
        expect(await idsOf(client)).toEqual(['heartbeat-sweep']);
        await paused.unpause('forward again');
      }
      await has(client, []);
      expect(await idsOf(upkeep)).toEqual([...withoutChain].sort());
      if (time > 0) break;
      // A roll-back: the old build starts again, and puts its Schedules back.
      stopOld = asksFor('old-again@host', [client]);
      await isHeard('old-again@host');
      await startOld();
      await has(client, withoutChain);
    }
  } finally {
    leave.abort();
    stops.push(stopOld);
    await Promise.all([moving, ...stops.map((stop) => stop())]);
  }
});

test('a look for Schedules of an older version does not hold up a process that stops, though the server does not answer', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => void sockets.push(socket.on('error', () => undefined)));
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const connection = Connection.lazy({ address: `127.0.0.1:${(silent.address() as AddressInfo).port}` });
  const [client, apart] = ['site', 'site-upkeep'].map((namespace) => new Client({ connection, namespace }));
  const leave = new AbortController();
  const moving = removeMovedSchedules({
    ...{ client: client!, upkeep: apart!, taskQueue: 'test', logger: pino({ level: 'silent' }), signal: leave.signal },
  });
  try {
    await until(() => sockets.length > 0, { name: 'the server is asked' });
    leave.abort();
    await moving;
  } finally {
    for (const socket of sockets) socket.destroy();
    silent.close();
    await connection.close();
  }
});
