import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import {
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  loadAllYaml,
  type KubernetesObject,
} from '@kubernetes/client-node';
import { Client, Connection, WorkflowNotFoundError } from '@temporalio/client';
import pg from 'pg';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { memoryBounds } from '../../engines/broker.js';
import { silent } from '../../engines/log.js';
import { apply, manifests } from '../../engines/kubernetes/broker-account.js';
import { packageRoot } from '../../engines/paths.js';
import { startSimulatedProvider, type SimulatedProvider } from '../../engines/simulated-provider/provider.js';
import { startStack, type Stack } from '../../engines/stack.js';
import { findTemporal } from '../../engines/tools/temporal.js';
import { login, type Session } from '../../src/client/session.js';
import { differingMoney } from '../../src/db/money-invariants.js';
import { providerWorkflowId } from '../../src/domain/provider.js';
import { labels } from '../../src/kubernetes/names.js';
import type { ReconcilerReport } from '../../workflows/fleet-reconciler.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import { gpus, identity } from '../chaos/machines.js';
import { unlimited } from '../support/broker.js';
import { until } from '../support/until.js';
import { startFront, type Front } from './front.js';
import { releasedBuild } from './released-build.js';

const taskQueue = 'upgraded';
/** Commands that wait for something end by then. */
const commandsTimeoutMs = 180_000;
/** What the released version asks an operator to apply before the broker. */
const oldManifests = ['1-rbac.yaml', '2-admission-policy.yaml'];
const sshKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl upgraded';

/** A customer's job as each version of the API tells it. */
export interface ToldJob {
  job_id: string;
  status: string;
  expires_at: string;
}

/** What a customer's job has taken from what the session may spend. */
export interface Charged {
  status: string;
  ended: boolean;
  isSettled: boolean;
  reserved: bigint;
  spent: bigint;
}

/** A site that begins with one process for each role of the released version. */
export interface Site {
  stack: Stack;
  /** Where customers reach the API, whichever processes serve it. */
  front: Front;
  /** The folder of the released build, with its own migrations and no others. */
  oldBuild: string;
  newBuild: string;
  /**
   * Copies a build, with other migrations: those of `migrations`, a folder, or one more by its name and text.
   *
   * @returns the folder.
   */
  copyOf(build: string, migrations: string | { name: string; sql: string }): string;
  customer(): Promise<Session>;
  /** Applies the manifests that come before the broker, as an operator does. */
  applyManifests(): Promise<void>;
  /** Applies one file of the released version's manifests. */
  applyOld(file: string): Promise<void>;
  /** Joins a machine with eight GPUs at a price for an hour of each; orders go to the cheapest. */
  join(providerId: string, gpuPricePerHour: number): Promise<void>;
  /** Why steps of a provider's workflow fail at the moment, if they do. */
  troubleOf(providerId: string): Promise<string>;
  /** Orders a job and waits until it runs. */
  rent(customer: Session): Promise<ToldJob>;
  /** Ends a job and waits until everything that it held is free. */
  end(customer: Session, job: ToldJob): Promise<Charged>;
  charged(jobId: string): Promise<Charged>;
  /** One run of the reconciler, from its begin to its end, by the version that is current. */
  reconcile(): Promise<ReconcilerReport>;
  /** The uid of a job's pod that nobody is removing. */
  podOf(jobId: string): Promise<string | undefined>;
  ask<T extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<T[]>;
  /** What violates an invariant of money. */
  money(): Promise<unknown[]>;
  temporal: Client;
  /** Runs commands with the command line of Temporal, as an operator does, and returns what they print. */
  shell(commands: string, variables?: Record<string, string>): Promise<string>;
  /** What a process has written. */
  logOf(name: string): string;
  stop(): Promise<void>;
}

export async function startSite(): Promise<Site> {
  const dataDir = mkdtempSync(join(tmpdir(), 'broker-upgrade-'));
  // The account that Postgres runs under reaches its folder below, so that nothing is left elsewhere.
  chmodSync(dataDir, 0o711);
  const machines: SimulatedProvider[] = [];
  const front = await startFront();
  let stack: Stack | undefined;
  let connection: Connection | undefined;
  let pool: pg.Pool | undefined;
  const stop = async () => {
    front.close();
    await Promise.all(machines.map((machine) => machine.stop()));
    await pool?.end();
    await connection?.close();
    await stack?.stop();
    rmSync(dataDir, { recursive: true, force: true });
  };
  try {
    const oldBuild = releasedBuild();
    const environment = {
      ...process.env,
      ...memoryBounds,
      ...unlimited,
      AUTH_AUDIENCE: front.url,
      TEMPORAL_TASK_QUEUE: taskQueue,
      RECONCILER_GRACE_S: '5',
    };
    stack = await startStack({
      dataDir,
      processes: ['api', 'worker', 'relay', 'watcher'],
      env: { ...environment, BROKER_MAIN: join(oldBuild, 'dist/src/main.js') },
    });
    const endpoints = stack.endpoints();
    front.leadTo(endpoints.api!);
    connection = await Connection.connect({ address: endpoints.temporal! });
    const temporal = new Client({ connection, namespace: endpoints.temporal_namespace! });
    const config = new KubeConfig();
    config.loadFromFile(endpoints.kubeconfig!);
    const core = config.makeApiClient(CoreV1Api);
    pool = new pg.Pool({ connectionString: endpoints.postgres!, max: 2 });
    const db = pool;
    const temporalTool = await findTemporal(silent);
    await leaveOldManifests(config, oldBuild);

    const charged = async (jobId: string): Promise<Charged> => {
      const { rows } = await db.query<{
        status: string;
        ended: boolean;
        settled: boolean;
        reserved: string;
        spent: string;
      }>(
        `select j.status, j.ended_at is not null as ended, bool_and(c.settled_at is not null) as settled,
                sum(c.reserved)::text as reserved, coalesce(sum(c.spent), 0)::text as spent
           from jobs j join auth_charges c on c.job_id = j.job_id where j.job_id = $1 group by j.job_id`,
        [jobId],
      );
      const { status, ended, settled, reserved, spent } = rows[0]!;
      return { status, ended, isSettled: settled, reserved: BigInt(reserved), spent: BigInt(spent) };
    };
    const podOf = async (jobId: string) => {
      const { items } = await core.listPodForAllNamespaces({ labelSelector: `${labels.jobId}=${jobId}` });
      return items.find(({ metadata }) => metadata?.deletionTimestamp === undefined)?.metadata?.uid;
    };

    return {
      ...{ stack, front, oldBuild, newBuild: packageRoot, temporal, charged, podOf, stop },
      applyManifests: async () => void (await apply(config, manifests('before-the-broker'))),
      applyOld: async (file) => void (await apply(config, objectsOf(oldBuild, file))),
      copyOf(build, migrations) {
        const folder = mkdtempSync(join(dataDir, 'build-'));
        symlinkSync(realpathSync(join(build, 'node_modules')), join(folder, 'node_modules'));
        for (const part of ['package.json', 'dist', 'src/db/migrations'])
          cpSync(join(build, part), join(folder, part), { recursive: true });
        const added = join(folder, 'src/db/migrations');
        if (typeof migrations === 'string') cpSync(migrations, added, { recursive: true });
        else writeFileSync(join(added, `${migrations.name}.sql`), migrations.sql);
        return folder;
      },
      customer: () =>
        login({ api: front.url, account: privateKeyToAccount(generatePrivateKey()), spendLimit: 10n ** 24n }),
      async join(providerId, gpuPricePerHour) {
        const { wallet, sign } = identity(front.url, providerId);
        const machine = startSimulatedProvider({
          ...{ redisUrl: endpoints.redis!, providerId, wallet, sign, gpus, gpuPricePerHour },
          ...{ heartbeatIntervalMs: 5_000, approvalTimeoutMs: 240_000 },
        });
        machines.push(machine);
        await machine.joined;
        const isOffered = async () => {
          const { rows } = await db.query<{ status: string }>('select status from providers where provider_id = $1', [
            providerId,
          ]);
          return rows[0]?.status === 'available';
        };
        await until(isOffered, { timeoutMs: 120_000, name: `${providerId} is available` });
      },
      async troubleOf(providerId) {
        const handle = temporal.workflow.getHandle(providerWorkflowId(providerId));
        try {
          const { raw } = await handle.describe();
          return (raw.pendingActivities ?? []).map(({ lastFailure }) => lastFailure?.message ?? '').join();
        } catch (error) {
          if (error instanceof WorkflowNotFoundError) return '';
          throw error;
        }
      },
      async rent(customer) {
        const order = {
          ...{ gpu_type: 'RTX 4090', gpu_count: 1, cpu_cores: 1, memory_gb: 1, storage_gb: 1, duration_hours: 2 },
          ssh_public_keys: [sshKey],
        };
        const { body, status } = await customer.request('POST', '/api/v1/jobs', order, { prefer: 'wait=60' });
        if (status !== 201 && status !== 202)
          throw new Error(`the order was answered ${status}: ${JSON.stringify(body)}`);
        const runs = async () => {
          const told = (await customer.request('GET', `/api/v1/jobs/${(body as ToldJob).job_id}`)).body as ToldJob;
          return told.status === 'running' ? told : undefined;
        };
        return await until(runs, { timeoutMs: 120_000, name: `job ${JSON.stringify(body)} runs` });
      },
      async end(customer, { job_id: jobId }) {
        await customer.request('DELETE', `/api/v1/jobs/${jobId}`, undefined, { prefer: 'wait=60' });
        const over = async () => {
          const found = await charged(jobId);
          return found.ended && found.isSettled && (await podOf(jobId)) === undefined ? found : undefined;
        };
        return await until(over, { timeoutMs: 120_000, name: `job ${jobId} has ended and is settled` });
      },
      async reconcile() {
        return (await temporal.workflow.execute(workflowTypes.fleetReconciler, {
          workflowId: `upgraded-${randomUUID()}`,
          taskQueue,
        })) as ReconcilerReport;
      },
      ask: async <T extends pg.QueryResultRow>(text: string, values: unknown[] = []) =>
        (await db.query<T>(text, values)).rows,
      logOf: (name) => readFileSync(join(dataDir, 'logs', `${name}.log`), 'utf8'),
      money: () => differingMoney(db, 'everything'),
      async shell(commands, variables = {}) {
        const { stdout } = await promisify(execFile)('bash', ['-c', commands], {
          timeout: commandsTimeoutMs,
          env: {
            ...process.env,
            ...temporalTool.env,
            PATH: `${dirname(temporalTool.path)}${delimiter}${process.env['PATH']}`,
            TEMPORAL_ADDRESS: endpoints.temporal!,
            TEMPORAL_ENV_FILE: join(dataDir, 'temporal-env.yaml'),
            ...variables,
          },
        });
        return stdout;
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const objectsOf = (build: string, file: string): KubernetesObject[] =>
  loadAllYaml(readFileSync(join(build, 'src/kubernetes/deploy', file), 'utf8')) as KubernetesObject[];

/** A stack has the manifests of this version. The site has those of the released one, and nothing that came later. */
async function leaveOldManifests(config: KubeConfig, oldBuild: string): Promise<void> {
  const old = oldManifests.flatMap((file) => objectsOf(oldBuild, file));
  const key = ({ kind, metadata }: KubernetesObject) => [kind, metadata?.namespace, metadata?.name].join('/');
  const known = new Set(old.map(key));
  const client = KubernetesObjectApi.makeApiClient(config);
  for (const object of manifests('before-the-broker').filter((each) => !known.has(key(each))))
    await client.delete(object);
  await apply(config, old);
}
