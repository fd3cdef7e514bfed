import { randomUUID } from 'node:crypto';
import type { V1NodeStatus } from '@kubernetes/client-node';
import { pino } from 'pino';
import { createActivities, type Activities } from '../../activities/index.js';
import type { Config } from '../../src/config.js';
import { reserveSpend } from '../../src/billing/spend.js';
import { newJobId } from '../../src/api/job-id.js';
import { findJob, insertJob, type JobRow } from '../../src/db/jobs.js';
import { withTransaction } from '../../src/db/pool.js';
import type { JobOrder } from '../../src/domain/job.js';
import { clusterInfo } from '../../src/kubernetes/cluster-info.js';
import { connectKubernetes, unlessNotFound, type Kubernetes } from '../../src/kubernetes/client.js';
import { ensureClusterObjects } from '../../src/kubernetes/cluster-objects.js';
import { gpuResource, labels } from '../../src/kubernetes/names.js';
import { startWatcher, type Watcher } from '../../src/roles/watcher/watcher.js';
import { createJobCommands } from '../../src/temporal/jobs.js';
import { testConfig } from './config.js';
import { freshDatabase, type TestDatabase } from './database.js';
import { endpoints, type Endpoints } from './engines.js';
import { putProvider, putSession, testOrder, type TestProvider } from './fleet.js';
import { freshRedis, type TestRedis } from './redis.js';
import { namespaceOf } from './tenants.js';
import { freshTemporal, type TestTemporal } from './temporal.js';

/**
 * Worker and watcher on real engines, for tests of workflows; the database, streams and namespace belong to this test
 * file only.
 */
export interface World {
  config: Config;
  database: TestDatabase;
  redis: TestRedis;
  temporal: TestTemporal;
  /** An administrator's client, for a test's own reads and writes. */
  kubernetes: Kubernetes;
  /** The broker's own client, which activities and watcher use. */
  account: Kubernetes;
  activities: Activities;
  commands: ReturnType<typeof createJobCommands>;
  /** Adds a provider in service whose node is simulated; its id gets a random end. */
  provider(options?: Partial<TestProvider>): Promise<string>;
  /** Adds an order to the database, as the API leaves it; by a new wallet unless given. */
  order(order?: Partial<JobOrder>): Promise<JobOrder>;
  job(order: JobOrder): Promise<JobRow>;
  /** From here on, nobody tells the workflows what happens in the cluster. */
  stopWatcher(): Promise<void>;
  /** Stops worker and watcher, and starts new ones. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Base units that every job of these tests reserves: more than any of them costs. */
const reserved = 10n ** 20n;

/** Both kubeconfigs of a cluster. */
export type Cluster = Pick<Endpoints, 'kubeconfig' | 'broker_kubeconfig'>;

/**
 * @param change changes activities, to inject a fault.
 * @param cluster default: that of all tests.
 */
export async function createWorld(
  overrides: Partial<Config> = {},
  change: (activities: Activities) => Partial<Activities> = () => ({}),
  cluster: Cluster = endpoints(),
): Promise<World> {
  const [database, redis, temporal] = await Promise.all([freshDatabase(), freshRedis(), freshTemporal()]);
  const config = testConfig({
    ...database.config,
    ...temporal.config,
    KUBECONFIG: cluster.broker_kubeconfig,
    JOB_MIN_DURATION_S: 1,
    ...overrides,
  });
  const kubernetes = connectKubernetes({ KUBECONFIG: cluster.kubeconfig });
  const account = connectKubernetes(config);
  const logger = pino({ level: process.env['LOG_LEVEL'] ?? 'silent' });
  await ensureClusterObjects(account, logger);
  const deps = {
    config,
    pool: database.pool,
    redis: redis.asBroker(),
    kubernetes: account,
    temporal: temporal.client,
    logger,
  };
  const activities = createActivities({ ...deps, clusterInfo: clusterInfo(account, config) });
  let watcher: Watcher;
  const startAll = async () => {
    const stopWorker = await temporal.startWorker({ ...activities, ...change(activities) });
    watcher = startWatcher({ kubernetes: account, temporal: temporal.client, pool: database.pool, logger });
    return async () => void (await Promise.all([stopWorker(), watcher.stop()]));
  };
  let stopAll = await startAll();
  const nodes: string[] = [];
  const namespaces = new Set<string>();

  return {
    config,
    database,
    redis,
    temporal,
    kubernetes,
    account,
    activities,
    commands: createJobCommands(temporal.client, config),
    async provider(options = {}) {
      const providerId = `${options.providerId ?? 'prov'}-${randomUUID().slice(0, 8)}`;
      nodes.push(providerId);
      await putNode(kubernetes, providerId, options.gpuResources ?? options.gpus?.count ?? 8);
      await putProvider(database.pool, { ...options, providerId });
      return providerId;
    },
    async order(changes = {}) {
      const order = testOrder({
        jobId: newJobId(),
        wallet: `0x${randomUUID().replaceAll('-', '')}00000000`,
        ...changes,
      });
      namespaces.add(namespaceOf(order.wallet));
      const sessionId = await putSession(database.pool, order.wallet);
      await withTransaction(database.pool, async (tx) => {
        await insertJob(tx, {
          ...order,
          sessionId,
          requestSha256: '',
          sshPublicKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl test'],
          env: {},
          reservedAmount: reserved,
        });
        await reserveSpend(tx, { jobId: order.jobId, sessionId, amount: reserved });
      });
      return order;
    },
    async job(order) {
      return (await findJob(database.pool, order.wallet, order.jobId))!;
    },
    stopWatcher: () => watcher.stop(),
    async restart() {
      await stopAll();
      stopAll = await startAll();
    },
    async close() {
      await stopAll();
      await temporal.close();
      for (const name of namespaces) await unlessNotFound(kubernetes.core.deleteNamespace({ name }));
      for (const name of nodes) await unlessNotFound(kubernetes.core.deleteNode({ name }));
      await redis.close();
      await database.close();
    },
  };
}

/**
 * Adds a node that kwok manages, marked as the provider's as the broker would mark it.
 *
 * @param status its status from the first moment on; without it, the node is not Ready until kwok says so.
 */
export async function putNode(
  { core }: Kubernetes,
  name: string,
  gpus: number | Record<string, number>,
  status: V1NodeStatus = {},
): Promise<void> {
  const counted = typeof gpus === 'number' ? { [gpuResource]: gpus } : gpus;
  const resources = {
    cpu: '1000',
    memory: '1000000Mi',
    'ephemeral-storage': '10000Gi',
    pods: '110',
    ...Object.fromEntries(Object.entries(counted).map(([resource, count]) => [resource, String(count)])),
  };
  await core.createNode({
    body: {
      metadata: { name, labels: { type: 'kwok', [labels.placement]: name, [labels.providerId]: name } },
      status: {
        capacity: resources,
        allocatable: resources,
        addresses: [{ type: 'InternalIP', address: '198.18.0.1' }],
        ...status,
      },
    },
  });
}
