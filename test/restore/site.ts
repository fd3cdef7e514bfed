import { randomUUID } from 'node:crypto';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CoreV1Api, KubeConfig } from '@kubernetes/client-node';
import { Client, Connection } from '@temporalio/client';
import pg from 'pg';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { memoryBounds } from '../../engines/broker.js';
import type { SimulatedProvider } from '../../engines/simulated-provider/provider.js';
import { startStack, type Stack } from '../../engines/stack.js';
import { login, type Session } from '../../src/client/session.js';
import { differingMoney } from '../../src/db/money-invariants.js';
import { unlessNotFound } from '../../src/kubernetes/client.js';
import { labels } from '../../src/kubernetes/names.js';
import type { ReconcilerReport } from '../../workflows/fleet-reconciler.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import { identity, startMachine, type Identity } from '../chaos/machines.js';
import { unlimited } from '../support/broker.js';
import { until } from '../support/until.js';
import { archivedPostgres, ask, type PostgresBackups } from './postgres-backup.js';

const taskQueue = 'rehearsal';
const environment = {
  ...unlimited,
  TEMPORAL_TASK_QUEUE: taskQueue,
  RECONCILER_GRACE_S: '1',
  // Machines are away for as long as Postgres or Redis is, which no customer's job may end for.
  HEARTBEAT_TIMEOUT_S: '60',
  PROVIDER_LOSS_GRACE_S: '600',
};
const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl rehearsal';

/** A customer's job as the API tells it. */
export interface ToldJob {
  job_id: string;
  status: string;
  expires_at: string;
}

/** A site with one process for all roles, whose systems can be put back to earlier states. */
export interface Site {
  stack: Stack;
  backups: PostgresBackups;
  customer(): Promise<Session>;
  /** Starts the program of a machine, which is the same one each time. */
  machine(providerId: string): SimulatedProvider;
  /** Orders a job and waits until it runs. */
  rent(customer: Session): Promise<ToldJob>;
  /** One run of the reconciler, from its begin to its end. */
  reconcile(): Promise<ReconcilerReport>;
  /** The uid of a job's pod that nobody is removing. */
  podOf(jobId: string): Promise<string | undefined>;
  /** A metric without labels, as the broker shows it. */
  metric(name: string): Promise<number | undefined>;
  /** Whether the broker has logged this since it was started first. */
  hasLogged(words: string): boolean;
  ask<T extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<T[]>;
  /** What violates an invariant of money. */
  money(): Promise<unknown[]>;
  backUpTemporal(): Promise<void>;
  /** Puts Temporal back to its backup, or to nothing. */
  restoreTemporal(to: 'the backup' | 'nothing'): Promise<void>;
  emptyRedis(): Promise<void>;
  core: CoreV1Api;
  stop(): Promise<void>;
}

export async function startSite(): Promise<Site> {
  const dataDir = mkdtempSync(join(tmpdir(), 'broker-restore-'));
  // The account that Postgres runs under reaches its folder below, so that nothing is left elsewhere.
  chmodSync(dataDir, 0o711);
  const machines: SimulatedProvider[] = [];
  const identities = new Map<string, Identity>();
  let stack: Stack | undefined;
  let connection: Connection | undefined;
  const stop = async () => {
    await Promise.all(machines.map((machine) => machine.stop()));
    await connection?.close();
    await stack?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    stack = await startStack({
      dataDir,
      isTemporary: true,
      processes: ['broker'],
      env: { ...process.env, ...memoryBounds, ...environment },
    });
    const endpoints = stack.endpoints();
    const api = endpoints.api!;
    const backups = await archivedPostgres(stack, endpoints.postgres!);
    await stack.awaitReady('broker');
    connection = await Connection.connect({ address: endpoints.temporal! });
    const temporal = new Client({ connection, namespace: endpoints.temporal_namespace! });
    const config = new KubeConfig();
    config.loadFromFile(endpoints.kubeconfig!);
    const core = config.makeApiClient(CoreV1Api);
    const running = stack;
    const stopped = async (engine: 'temporal' | 'redis', work: () => void) => {
      await running.halt(engine);
      work();
      await running.resume(engine);
    };
    const temporalData = dataOf(join(dataDir, 'temporal'), 'temporal.db');
    const redisData = dataOf(join(dataDir, 'redis'), 'appendonly');

    return {
      ...{ stack, backups, core, stop },
      customer: () => login({ api, account: privateKeyToAccount(generatePrivateKey()), spendLimit: 10n ** 24n }),
      machine(providerId) {
        const who = identities.get(providerId) ?? identity(api, providerId);
        identities.set(providerId, who);
        const machine = startMachine(endpoints.redis!, who);
        machines.push(machine);
        return machine;
      },
      async rent(customer) {
        const order = {
          ...{ gpu_type: 'RTX 4090', gpu_count: 1, cpu_cores: 1, memory_gb: 1, storage_gb: 1, duration_hours: 2 },
          ssh_public_keys: [sshKey],
        };
        const free = async () => {
          const { body } = await customer.request('GET', '/api/v1/providers/gpu-availability?gpu_type=rtx-4090');
          return ((body as { total_available?: number }).total_available ?? 0) > 0;
        };
        await until(free, { timeoutMs: 120_000, everyMs: 200, name: 'a GPU is free' });
        const { body } = await customer.request('POST', '/api/v1/jobs', order, { prefer: 'wait=60' });
        const { job_id: jobId } = body as ToldJob;
        return await until(
          async () => {
            const told = await customer.request('GET', `/api/v1/jobs/${jobId}`);
            return (told.body as ToldJob).status === 'running' ? (told.body as ToldJob) : undefined;
          },
          { timeoutMs: 120_000, name: `job ${JSON.stringify(body)} runs` },
        );
      },
      async reconcile() {
        return (await temporal.workflow.execute(workflowTypes.fleetReconciler, {
          workflowId: `rehearsal-${randomUUID()}`,
          taskQueue,
        })) as ReconcilerReport;
      },
      async podOf(jobId) {
        const { items } = await core.listPodForAllNamespaces({ labelSelector: `${labels.jobId}=${jobId}` });
        const [pod] = items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
        return pod?.metadata?.uid;
      },
      async metric(name) {
        const response = await fetch(endpoints.metrics!['broker']!);
        const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(await response.text())?.[1];
        return value === undefined ? undefined : Number(value);
      },
      hasLogged: (words) => readFileSync(join(dataDir, 'logs/broker.log'), 'utf8').includes(words),
      ask: (text, values) => ask(endpoints.postgres!, text, values),
      async money() {
        const pool = new pg.Pool({ connectionString: endpoints.postgres!, max: 1 });
        try {
          return await differingMoney(pool, 'everything');
        } finally {
          await pool.end();
        }
      },
      backUpTemporal: () => stopped('temporal', temporalData.save),
      restoreTemporal: (to) =>
        stopped('temporal', () => {
          temporalData.remove();
          if (to === 'the backup') temporalData.putBack();
        }),
      emptyRedis: () => stopped('redis', redisData.remove),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The files that an engine keeps its data in, while it does not run. */
function dataOf(folder: string, prefix: string) {
  const saved = `${folder}.backup`;
  const files = (where: string) => readdirSync(where).filter((name) => name.startsWith(prefix));
  return {
    save() {
      mkdirSync(saved);
      for (const name of files(folder)) cpSync(join(folder, name), join(saved, name), { recursive: true });
    },
    remove: () => files(folder).forEach((name) => rmSync(join(folder, name), { recursive: true })),
    putBack: () => files(saved).forEach((name) => cpSync(join(saved, name), join(folder, name), { recursive: true })),
  };
}

/** The taint that keeps jobs off a node which no provider of the database has. */
export async function isKeptFree(core: CoreV1Api, name: string): Promise<boolean> {
  const node = await unlessNotFound(core.readNode({ name }));
  return (
    node?.spec?.taints?.some(({ key, value }) => key === 'worldland.io/maintenance' && value === 'unowned') === true
  );
}
