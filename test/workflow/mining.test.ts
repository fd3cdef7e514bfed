import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { V1Pod } from '@kubernetes/client-node';
import { MockActivityEnvironment } from '@temporalio/testing';
import { pino } from 'pino';
import { createMiningActivities } from '../../activities/mining.js';
import { miningFigures, setMiningWanted } from '../../src/db/mining.js';
import type { JobOrder } from '../../src/domain/job.js';
import { providerWorkflowId } from '../../src/domain/provider.js';
import { miningConfigSchema } from '../../src/domain/registration.js';
import { removeMiners } from '../../src/kubernetes/miners.js';
import { gpuResource, labels, miningNamespace as namespace } from '../../src/kubernetes/names.js';
import { observeNode } from '../../src/kubernetes/observe.js';
import type { Signal } from '../../src/temporal/signal-once.js';
import { providerSignals, sendSignal } from '../../src/temporal/signals.js';
import { startProvider } from '../../src/temporal/start-provider.js';
import { decidedWithinMs, until } from '../support/until.js';
import { createWorld, type World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await createWorld({ MINING_IMAGE_ALLOWLIST: ['docker.io/miners/*'] });
});
afterAll(async () => {
  for (const providerId of providers) await removeMiners(world.kubernetes, providerId);
  await world.close();
});

const providers: string[] = [];

/** A provider with 8 GPUs and this configuration, in service through its own workflow. */
async function miningProvider(config: object = {}): Promise<string> {
  const providerId = await world.provider();
  providers.push(providerId);
  await configure(providerId, config);
  await nodeSeen(providerId);
  return providerId;
}

async function configure(providerId: string, config: object): Promise<void> {
  const wanted = { image: 'docker.io/miners/one:1', gpu_count: 8, cpu_cores: 8, memory_mb: 8_192, ...config };
  await setMiningWanted(world.database.pool, providerId, true, miningConfigSchema.parse(wanted));
}

/** Tells the provider's workflow of its node, as the watcher does; starts it where there is none. */
async function nodeSeen(providerId: string): Promise<void> {
  await until(async () => {
    const read = await world.kubernetes.core.readNode({ name: providerId });
    return observeNode(read).state === 'ready';
  });
  const signal = providerSignals.nodeObserved(providerId, { state: 'ready' });
  await startProvider(world.temporal.client, { providerId }, world.config, signal);
}

const tell = (signal: Signal) => sendSignal(world.temporal.client, signal);

/** Its agent falls silent or is heard again, as the sweep finds it. */
async function hear(providerId: string, alive: boolean): Promise<void> {
  await world.database.pool.query('update providers set heartbeat_alive = $2 where provider_id = $1', [
    providerId,
    alive,
  ]);
  await tell(providerSignals.heartbeatChanged(providerId));
}

const figures = async (providerId: string) => (await miningFigures(world.database.pool, providerId))!;

/** Waits until the database shows these counts of miners. */
const seen = (providerId: string, counts: { running: number; waiting?: number; reason?: RegExp }) =>
  until(
    async () => {
      const { running, waiting, reason } = await figures(providerId);
      return running === counts.running && waiting === (counts.waiting ?? 0) && (counts.reason?.test(reason) ?? true);
    },
    { timeoutMs: decidedWithinMs, name: `${JSON.stringify(counts)} of ${providerId}` },
  );

async function minerPods(providerId: string): Promise<V1Pod[]> {
  const { items } = await world.kubernetes.core.listNamespacedPod({
    namespace,
    labelSelector: `${labels.providerId}=${providerId}`,
  });
  return items;
}

const uids = async (providerId: string) => (await minerPods(providerId)).map(({ metadata }) => metadata!.uid!).sort();

/** GPUs that pods on a provider's node hold now, miners and jobs. */
async function gpusInUse(providerId: string): Promise<number> {
  const { items } = await world.kubernetes.core.listPodForAllNamespaces({
    fieldSelector: `spec.nodeName=${providerId}`,
  });
  return items
    .filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed')
    .flatMap(({ spec }) => spec!.containers)
    .reduce((sum, { resources }) => sum + Number(resources?.requests?.[gpuResource] ?? 0), 0);
}

async function start(order: JobOrder): Promise<void> {
  expect(await world.commands.startAndWait(order, decidedWithinMs)).toMatchObject({ status: 'running' });
}

describe('a provider whose idle GPUs mine', () => {
  test('a mining provider gives a job of 3 GPUs what it needs, and mines on them again when the job ends', async () => {
    const providerId = await miningProvider();
    await seen(providerId, { running: 8 });

    const order = await world.order({ providerId, gpuCount: 3 });
    await start(order);
    await seen(providerId, { running: 5, waiting: 3 });
    expect(await figures(providerId)).toMatchObject({ miners: 8, totalGpus: 8, rentedGpus: 3 });

    await world.commands.cancel(order.jobId, 'its owner', 20_000);
    await seen(providerId, { running: 8 });
  });

  test('a mining provider can be rented whole, at the price of every miner', async () => {
    const providerId = await miningProvider();
    await seen(providerId, { running: 8 });
    const order = await world.order({ providerId, gpuCount: 8 });
    await start(order);
    await seen(providerId, { running: 0, waiting: 8 });
    await world.commands.cancel(order.jobId, 'its owner', 20_000);
    await seen(providerId, { running: 8 });
  });

  test('a mining provider never has more GPUs mined and rented than it has', async () => {
    const providerId = await miningProvider();
    await seen(providerId, { running: 8 });
    let most = 0;
    let watching = true;
    const watch = (async () => {
      while (watching) {
        const { running, rentedGpus } = await figures(providerId);
        most = Math.max(most, running + rentedGpus, await gpusInUse(providerId));
      }
    })();
    for (const gpuCount of [1, 5, 8]) {
      const order = await world.order({ providerId, gpuCount });
      await start(order);
      await world.commands.cancel(order.jobId, 'its owner', 20_000);
    }
    watching = false;
    await watch;
    expect(most).toBe(8);
  });

  test('a mining provider replaces a miner that was deleted, and one that died', async () => {
    const providerId = await miningProvider({ gpu_count: 2 });
    await seen(providerId, { running: 2 });
    const [first, second] = await minerPods(providerId);
    const { core } = world.kubernetes;
    await core.deleteNamespacedPod({ name: first!.metadata!.name!, namespace });
    await core.replaceNamespacedPodStatus({
      name: second!.metadata!.name!,
      namespace,
      body: {
        ...(await core.readNamespacedPod({ name: second!.metadata!.name!, namespace })),
        status: { phase: 'Failed' },
      },
    });
    await until(async () => {
      const running = (await minerPods(providerId)).filter(({ status }) => status?.phase === 'Running');
      const old = [first!.metadata!.uid, second!.metadata!.uid];
      return running.length === 2 && running.every(({ metadata }) => !old.includes(metadata!.uid));
    });
    await seen(providerId, { running: 2 });
  });

  test('a mining provider keeps its miners through a restart of worker and watcher', async () => {
    const providerId = await miningProvider({ gpu_count: 4, cpu_cores: 4, memory_mb: 4_096 });
    await seen(providerId, { running: 4 });
    const before = await uids(providerId);
    await world.restart();
    await configure(providerId, { gpu_count: 5, cpu_cores: 5, memory_mb: 5_120 });
    await tell(providerSignals.miningChanged(providerId));
    await seen(providerId, { running: 5 });
    expect(await uids(providerId)).toEqual(expect.arrayContaining(before));
  });

  test('a mining provider mines nothing while it is offline, and mines again when it is back', async () => {
    const providerId = await miningProvider();
    await seen(providerId, { running: 8 });
    await hear(providerId, false);
    await seen(providerId, { running: 0, reason: /offline/ });
    expect(await until(async () => (await minerPods(providerId)).length === 0)).toBe(true);
    await hear(providerId, true);
    await seen(providerId, { running: 8 });
  });

  test('a mining provider stops mining when its owner says so', async () => {
    const providerId = await miningProvider();
    await seen(providerId, { running: 8 });
    await setMiningWanted(world.database.pool, providerId, false);
    await tell(providerSignals.miningChanged(providerId));
    await seen(providerId, { running: 0, reason: /its owner stopped it/ });
  });

  test('a mining provider gets new miners when their environment changes, and none of it is in their pods', async () => {
    const providerId = await miningProvider({ gpu_count: 1, env_vars: { POOL_PASSWORD: 'first-secret' } });
    await seen(providerId, { running: 1 });
    const before = await uids(providerId);
    await configure(providerId, { gpu_count: 1, env_vars: { POOL_PASSWORD: 'second-secret' } });
    await tell(providerSignals.miningChanged(providerId));
    await until(async () => {
      const now = await uids(providerId);
      return now.length === 1 && now[0] !== before[0];
    });
    expect(JSON.stringify(await minerPods(providerId))).not.toMatch(/secret"|c2Vjb25kLX/);
  });

  test('a mining provider shows miners whose image cannot be pulled as failing', async () => {
    const providerId = await miningProvider({ gpu_count: 2, image: 'docker.io/miners/does-not-exist:1' });
    await until(async () => (await figures(providerId)).failing === 2, { timeoutMs: 30_000 });
  });
});

describe('a mining configuration that may not run', () => {
  test.each<[string, object, RegExp]>([
    ['an image that is not listed', { image: 'docker.io/strangers/miner:1' }, /image is not among the images/],
    [
      'a library loaded into the miner',
      { env_vars: { LD_PRELOAD: '/tmp/x.so' } },
      /env_vars.LD_PRELOAD decides what else the miner runs/,
    ],
    [
      'a directory of the machine',
      { node_data_dir: '/var/run/docker.sock' },
      /node_data_dir is a directory of the system/,
    ],
    ['a flag that the broker sets', { extra_args: ['--datadir=/elsewhere'] }, /extra_args.0 is set by the broker/],
  ])('mining does not run, and says why, with %s', async (_, config, reason) => {
    const providerId = await miningProvider(config);
    await seen(providerId, { running: 0, reason });
    expect(await minerPods(providerId)).toEqual([]);
  });
});

describe('checking all miners', () => {
  const resync = async (list = world.config.MINING_IMAGE_ALLOWLIST) => {
    const { kubernetes, database } = world;
    const config = { ...world.config, MINING_IMAGE_ALLOWLIST: list };
    const { resyncMining } = createMiningActivities({
      config,
      kubernetes,
      pool: database.pool,
      logger: pino({ level: 'silent' }),
    });
    const { synced } = await new MockActivityEnvironment().run<[], { synced: string[] }, typeof resyncMining>(
      resyncMining,
    );
    return synced;
  };

  test('a check of all miners changes nothing where everything is as configured', async () => {
    await seen(await miningProvider(), { running: 8 });
    expect(await resync()).toEqual([]);
  });

  test('a check of all miners brings back miners that somebody removed by hand', async () => {
    const providerId = await miningProvider({ gpu_count: 2 });
    await seen(providerId, { running: 2 });
    // The provider's workflow may still bring them back: it answers each observation of its new node.
    await until(
      async () => {
        await removeMiners(world.kubernetes, providerId);
        const { running, waiting } = await figures(providerId);
        return running + waiting === 0 && (await minerPods(providerId)).length === 0;
      },
      { timeoutMs: decidedWithinMs, name: `no miner of ${providerId}` },
    );
    await world.database.pool.query(
      `update provider_mining set updated_at = now() - interval '2 minutes' where provider_id = $1`,
      [providerId],
    );
    expect(await resync()).toEqual([providerId]);
    await seen(providerId, { running: 2 });
  });

  test('a check of all miners ends miners whose image is no longer on the site’s list', async () => {
    const providerId = await miningProvider({ gpu_count: 2 });
    await seen(providerId, { running: 2 });
    // It would bring them back: what it goes by has its image in the list.
    await world.temporal.client.workflow.getHandle(providerWorkflowId(providerId)).terminate('a test');
    expect(await resync(['docker.io/others/*'])).toContain(providerId);
    await seen(providerId, { running: 0, reason: /image is not among the images/ });
    // Others count what a look with the list of the site would bring back.
    await setMiningWanted(world.database.pool, providerId, false);
    await resync();
  });
});

test('nothing but a miner may run in the miners’ namespace', async () => {
  await seen(await miningProvider({ gpu_count: 1 }), { running: 1 });
  const create = () =>
    world.kubernetes.core.createNamespacedPod({
      namespace,
      body: {
        metadata: { name: 'other' },
        spec: {
          priorityClassName: 'worldland-rental',
          containers: [{ name: 'other', image: 'docker.io/miners/one:1' }],
        },
      },
    });
  const refusal = () =>
    create().then(
      () => ({ body: 'made' }),
      (error: { code?: number; body: string }) => error,
    );
  // A quota that was made just now has to be counted first.
  const refused = await until(async () => {
    const said = await refusal();
    return said.body.includes('status unknown') ? undefined : said;
  });
  expect(refused).toMatchObject({ code: 403, body: expect.stringContaining('exceeded quota') });
});
