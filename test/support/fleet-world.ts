import { CoordinationV1Api, type V1Node } from '@kubernetes/client-node';
import type { Activities } from '../../activities/index.js';
import type { Config } from '../../src/config.js';
import { findAllocation } from '../../src/db/allocations.js';
import { recordHeartbeats } from '../../src/db/heartbeats.js';
import { findProvider, type ProviderRow } from '../../src/db/provider-reads.js';
import { jobObjectName, jobWorkflowId, type JobOrder } from '../../src/domain/job.js';
import { providerWorkflowId } from '../../src/domain/provider.js';
import { mergePatch, unlessNotFound } from '../../src/kubernetes/client.js';
import { gpuResource } from '../../src/kubernetes/names.js';
import { createProviderCommands } from '../../src/temporal/provider-commands.js';
import { providerSignals } from '../../src/temporal/signals.js';
import { startProvider } from '../../src/temporal/start-provider.js';
import type { JobState } from '../../workflows/job-messages.js';
import { providerState, type ProviderState } from '../../workflows/provider-messages.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import type { TestProvider } from './fleet.js';
import { timeline } from './timeline.js';
import { decidedWithinMs, until } from './until.js';
import { createWorld, putNode, type Cluster, type World } from './world.js';
import { namespaceOf } from './tenants.js';
import type { JobStatus, ProviderStatus } from '../../src/wire/statuses.js';

/** A world whose providers have workflows. Missing heartbeats are found when a test calls `sweep`. */
export interface FleetWorld extends World {
  providers: ReturnType<typeof createProviderCommands>;
  /** A provider in service, with its node and its workflow. */
  joined(options?: Partial<TestProvider>): Promise<string>;
  row(providerId: string): Promise<ProviderRow>;
  state(providerId: string): Promise<ProviderState>;
  /** Waits until customers see this status. */
  becomes(providerId: string, status: ProviderStatus): Promise<ProviderRow>;
  /** Sets when the provider was last heard. */
  heard(providerId: string, secondsAgo?: number): Promise<void>;
  /** Sets the last heartbeat to longer ago than a provider may be silent. */
  silent(providerId: string): Promise<void>;
  sweep(): Promise<{ silent: number; returned: number; failed: number }>;
  node(providerId: string): Promise<V1Node | undefined>;
  /** The control plane reports its node NotReady, or Ready again, at once; the kubelet says since when. */
  setNodeReady(providerId: string, ready: boolean, since?: Date): Promise<void>;
  setNodeGpus(providerId: string, gpus: number, resource?: string): Promise<void>;
  /** Deletes its node, and creates one of the same name that is Ready at every check. */
  replaceNode(providerId: string): Promise<void>;
  /** Starts a job and waits until it runs. */
  running(order: Partial<JobOrder>): Promise<JobOrder>;
  jobBecomes(order: JobOrder, status: JobStatus): Promise<void>;
  podExists(order: JobOrder): Promise<boolean>;
  /** The state that must hold once a job is over, however it ended. */
  heldBy(
    order: Pick<JobOrder, 'jobId' | 'wallet'>,
  ): Promise<{ allocation: boolean; pod: boolean; service: boolean; secret: boolean; reserved: string }>;
}

/** Consecutive sweeps, while some providers are passed over. */
const sweepsAtMost = 10;

export const heldNothing = { allocation: false, pod: false, service: false, secret: false, reserved: '0' };

export async function createFleetWorld(
  overrides: Partial<Config> = {},
  change?: (activities: Activities) => Partial<Activities>,
  cluster?: Cluster,
): Promise<FleetWorld> {
  // Longer than any of these tests takes: no provider is silent unless a test makes it so.
  const timing = { HEARTBEAT_TIMEOUT_S: 3_600, PROVIDER_LOSS_GRACE_S: 2, LOST_POD_GRACE_S: 1 };
  const world = await createWorld({ ...timing, ...overrides }, change, cluster);
  const { config, database, kubernetes, temporal } = world;
  const { core } = kubernetes;
  const leases = kubernetes.config.makeApiClient(CoordinationV1Api);
  const { pool } = database;
  const workflows = temporal.client.workflow;

  const row = async (providerId: string) => (await findProvider(pool, providerId))!;
  const state = (providerId: string) => workflows.getHandle(providerWorkflowId(providerId)).query(providerState);
  const nodeName = async (providerId: string) => (await row(providerId)).nodeName ?? providerId;
  const node = async (providerId: string) => unlessNotFound(core.readNode({ name: await nodeName(providerId) }));
  const becomes = (providerId: string, status: ProviderStatus) =>
    until(
      async () => {
        const found = await row(providerId);
        return found.status === status ? found : undefined;
      },
      // A stopped worker's task goes to the next worker only after its time-out: ten seconds.
      { timeoutMs: 60_000, everyMs: 25, name: `provider is ${status}` },
    ).catch(async (error: Error) => {
      throw new Error(`${error.message}, but:\n${await whyNot(providerId)}`);
    });
  /** For people who investigate a failure: the provider's workflow, its node and its row at the end. */
  const lastEvents = async (workflowId: string) =>
    (await timeline(workflows.getHandle(workflowId))).slice(-25).join('\n');
  const whyNot = async (providerId: string) => {
    const { status, node_ready, heartbeat_alive } = { ...(await row(providerId)) } as Record<string, unknown>;
    const conditions = JSON.stringify((await node(providerId))?.status?.conditions);
    return [
      await lastEvents(providerWorkflowId(providerId)),
      conditions,
      JSON.stringify({ status, node_ready, heartbeat_alive }),
    ].join('\n');
  };
  const leaseOf = async (providerId: string) =>
    unlessNotFound(leases.readNamespacedLease({ name: await nodeName(providerId), namespace: 'kube-node-lease' }));
  /**
   * If a node is taken from kwok while kwok is still taking it over, it may never get pods again. The time is text,
   * although its type says otherwise.
   */
  const kwokTook = (providerId: string, sinceMs: number) =>
    until(async () => new Date((await leaseOf(providerId))?.spec?.renewTime ?? 0).getTime() >= sinceMs, {
      timeoutMs: 60_000,
      everyMs: 10,
      name: 'kwok has renewed the lease of the node',
    });
  const object = (order: Pick<JobOrder, 'jobId' | 'wallet'>) => ({
    name: jobObjectName(order.jobId),
    namespace: namespaceOf(order.wallet),
  });
  const podExists = async (order: Pick<JobOrder, 'jobId' | 'wallet'>) =>
    (await unlessNotFound(core.readNamespacedPod(object(order)))) !== undefined;

  /** Whether a sweep would find a provider that fell silent, or came back. */
  const passedOver = async () => {
    const { rowCount } = await pool.query(
      `select 1 from providers p left join provider_heartbeats h using (provider_id)
        where p.joined_at is not null
          and p.heartbeat_alive <> (coalesce(h.last_heartbeat, p.joined_at) > now() - make_interval(secs => $1))`,
      [config.HEARTBEAT_TIMEOUT_S],
    );
    return (rowCount ?? 0) > 0;
  };

  const heard = async (providerId: string, secondsAgo = 0) => {
    const telemetry = {
      status: 'available',
      node_name: providerId,
      gpu_usage: [],
      cpu_usage: 0,
      memory_usage: 0,
      active_jobs: 0,
    };
    // The statement that writes heartbeats never moves the time back, so a test clears it first.
    await pool.query('update provider_heartbeats set last_heartbeat = null where provider_id = $1', [providerId]);
    await recordHeartbeats(pool, [{ providerId, atMs: Date.now() - secondsAgo * 1000, telemetry }]);
  };

  return {
    ...world,
    providers: createProviderCommands(temporal.client, config),
    row,
    state,
    node,
    becomes,
    podExists,
    async joined(options = {}) {
      const providerId = await world.provider(options);
      const signal = providerSignals.nodeObserved(providerId, { state: 'ready' });
      await startProvider(temporal.client, { providerId }, config, signal);
      await until(async () => (await state(providerId)).status === 'available', {
        everyMs: 50,
        name: 'the provider is in service',
      });
      return providerId;
    },
    heard,
    silent: (providerId) => heard(providerId, config.HEARTBEAT_TIMEOUT_S + 10),
    async sweep() {
      const found = { silent: 0, returned: 0, failed: 0 };
      // A sweep skips a row that an activity has locked, and in a test there is no next sweep.
      for (let left = sweepsAtMost; left > 0; left--) {
        const { silent, returned, failed } = await workflows.execute<() => Promise<typeof found>>(
          workflowTypes.heartbeatSweep,
          {
            workflowId: `sweep-${Date.now()}-${Math.random()}`,
            taskQueue: config.TEMPORAL_TASK_QUEUE,
          },
        );
        found.silent += silent;
        found.returned += returned;
        found.failed += failed;
        if (failed > 0 || !(await passedOver())) break;
      }
      return found;
    },
    async setNodeReady(providerId, ready, since = new Date()) {
      // kwok ignores a node without the label, and manages one with it.
      const isTaken = (await node(providerId))?.metadata?.labels?.['type'] === 'kwok';
      const sinceMs = Date.now();
      const name = await nodeName(providerId);
      await core.patchNode({ name, body: { metadata: { labels: { type: ready ? 'kwok' : null } } } }, mergePatch);
      const condition = {
        type: 'Ready',
        status: ready ? 'True' : 'False',
        lastTransitionTime: since,
        reason: 'Test',
      };
      await core.patchNodeStatus({ name, body: { status: { conditions: [condition] } } }, mergePatch);
      if (ready && !isTaken) await kwokTook(providerId, sinceMs);
    },
    async setNodeGpus(providerId, gpus, resource = gpuResource) {
      const figures = { [resource]: String(gpus) };
      await core.patchNodeStatus(
        { name: await nodeName(providerId), body: { status: { capacity: figures, allocatable: figures } } },
        mergePatch,
      );
    },
    async replaceNode(providerId) {
      await core.deleteNode({ name: providerId });
      await until(async () => (await node(providerId)) === undefined);
      // kwok may lose track of a node that comes back while kwok is still releasing it, and then ends no pod there.
      await until(async () => (await leaseOf(providerId)) === undefined, {
        timeoutMs: 60_000,
        name: 'the lease of the node is gone',
      });
      await putNode(kubernetes, providerId, 8, { conditions: [{ type: 'Ready', status: 'True' }] });
    },
    async running(changes) {
      const order = await world.order(changes);
      const started: JobState | 'still_starting' = await world.commands.startAndWait(order, decidedWithinMs);
      if (started === 'still_starting' || started.status !== 'running') {
        const pod = await unlessNotFound(core.readNamespacedPod(object(order)));
        const seen = [JSON.stringify(started), JSON.stringify({ node: pod?.spec?.nodeName, ...pod?.status })];
        throw new Error(`does not run: ${seen.join('\n')}\n${await lastEvents(jobWorkflowId(order.jobId))}`);
      }
      return order;
    },
    async jobBecomes(order, status) {
      await until(async () => (await world.job(order)).status === status, {
        timeoutMs: 60_000,
        everyMs: 50,
        name: `job is ${status}`,
      }).catch(async (error: Error) => {
        throw new Error(`${error.message}, but:\n${await lastEvents(jobWorkflowId(order.jobId))}`);
      });
    },
    async heldBy(order) {
      const [allocation, pod, service, secret, charges] = await Promise.all([
        findAllocation(pool, order.jobId),
        podExists(order),
        unlessNotFound(core.readNamespacedService(object(order))),
        unlessNotFound(core.readNamespacedSecret(object(order))),
        pool.query<{ reserved: string }>(
          `select coalesce(sum(s.reserved), 0)::text as reserved from auth_sessions s where s.wallet = $1`,
          [order.wallet],
        ),
      ]);
      return {
        allocation: allocation !== undefined,
        pod,
        service: service !== undefined,
        secret: secret !== undefined,
        reserved: charges.rows[0]!.reserved,
      };
    },
  };
}
