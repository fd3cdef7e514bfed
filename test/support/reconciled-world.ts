import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import type { RepairKind } from '../../activities/reconciler/repairs.js';
import type { Config } from '../../src/config.js';
import { knownAmong } from '../../src/db/reconcile-fleet.js';
import { jobObjectName, type JobOrder } from '../../src/domain/job.js';
import { unlessNotFound } from '../../src/kubernetes/client.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import type { ReconcilerReport } from '../../workflows/fleet-reconciler.js';
import { decidedWithinMs, until } from './until.js';
import { createWorld, type World } from './world.js';
import { namespaceOf } from './tenants.js';

/** Longer than a busy machine takes for a start, of which a run of the reconciler sees only the first half. */
const graceS = 5;

/** A world in which the reconciler runs when a test says so, and which has one provider without differences. */
export interface ReconciledWorld extends World {
  providerId: string;
  /** One run, as the Schedule starts it. */
  reconcile(): Promise<ReconcilerReport>;
  /** The repairs of one run; a failed repair is an error. */
  repairs(): Promise<Partial<Record<RepairKind, number>>>;
  /** Waits until the provider's row agrees with its node. */
  settled(): Promise<void>;
  /** Waits until everything that exists now is older than the reconciler's grace. */
  grownOld(): Promise<void>;
  /** Waits until the job runs. */
  runs(order: JobOrder): Promise<void>;
  ended(order: JobOrder): Promise<void>;
  pod(order: JobOrder): Promise<V1Pod | undefined>;
  start(order: JobOrder): Promise<void>;
  cancel(order: JobOrder): Promise<unknown>;
  /** Registers a clean-up for before the world is closed. */
  atEnd(cleanup: () => Promise<unknown>): void;
}

export const namespaceTtlS = 8;
export const lostPodGraceS = 5;

export async function createReconciledWorld(overrides: Partial<Config> = {}): Promise<ReconciledWorld> {
  const world = await createWorld({
    RECONCILER_GRACE_S: graceS,
    TENANT_NAMESPACE_TTL_S: namespaceTtlS,
    LOST_POD_GRACE_S: lostPodGraceS,
    MINING_IMAGE_ALLOWLIST: ['docker.io/miners/*'],
    ...overrides,
  });
  const { core } = world.kubernetes;
  const cleanups: (() => Promise<unknown>)[] = [];
  const providerId = await world.provider({ gpus: { model: 'Reconciled', count: 64 } });
  const job = async (order: JobOrder) => await world.job(order);

  const reconciled: ReconciledWorld = {
    ...world,
    providerId,
    async reconcile() {
      return (await world.temporal.client.workflow.execute(workflowTypes.fleetReconciler, {
        workflowId: `reconciler-${randomUUID()}`,
        taskQueue: world.config.TEMPORAL_TASK_QUEUE,
      })) as ReconcilerReport;
    },
    async repairs() {
      const { repairs, failures } = await reconciled.reconcile();
      if (failures.length > 0) throw new Error(failures.join('\n'));
      return repairs;
    },
    async settled() {
      const node = await core.readNode({ name: providerId });
      await until(
        async () => {
          const known = (await knownAmong(world.database.pool, [providerId])).get(providerId)!;
          return known.nodeUid === node.metadata!.uid && known.status === 'available';
        },
        { name: 'the provider is in service' },
      );
    },
    grownOld: () => sleep(graceS * 1000 + 1_500),
    order: (changes = {}) => world.order({ providerId, ...changes }),
    async runs(order) {
      await until(async () => (await job(order)).status === 'running', { timeoutMs: 60_000, name: 'the job runs' });
    },
    async ended(order) {
      await until(async () => (await job(order)).endedAt !== undefined, {
        timeoutMs: 60_000,
        name: 'the job has ended',
      });
    },
    pod: ({ jobId, wallet }) =>
      unlessNotFound(core.readNamespacedPod({ name: jobObjectName(jobId), namespace: namespaceOf(wallet) })),
    async start(order) {
      await world.commands.startAndWait(order, decidedWithinMs);
    },
    cancel: ({ jobId }) => world.commands.cancel(jobId, 'its owner', decidedWithinMs),
    atEnd: (cleanup) => void cleanups.push(cleanup),
    async close() {
      for (const cleanup of cleanups) await cleanup();
      await world.close();
    },
  };
  // The provider that tests add has no workflow and a node of another uid: the reconciler makes it consistent.
  await reconciled.reconcile();
  await reconciled.settled();
  return reconciled;
}
