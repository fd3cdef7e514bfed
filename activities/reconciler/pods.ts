import { Context } from '@temporalio/activity';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1DeleteOptions, V1Pod } from '@kubernetes/client-node';
import { installationId } from '../../src/db/installation.js';
import { jobsWithoutTheirKeys } from '../../src/db/job-keys.js';
import { chargedUntil, markPodsSeen, recordKept, type OpenRestore } from '../../src/db/restores.js';
import { runningAmong, runningPods, type RunningPod } from '../../src/db/reconcile-jobs.js';
import { jobObjectName } from '../../src/domain/job.js';
import { instantAt } from '../../src/domain/outside.js';
import { unlessNotFound } from '../../src/kubernetes/client.js';
import { gonePod } from '../../src/kubernetes/observe-pod.js';
import { jobObjectsOf, unlessGone } from '../../src/kubernetes/ownership.js';
import { pagesOf } from '../../src/kubernetes/pages.js';
import { inTenant } from '../../src/kubernetes/tenant-rights.js';
import { keptPods } from '../../src/observability/metrics.js';
import { jobSignals, sendSignal } from '../../src/temporal/signals.js';
import type { ActivityDeps } from '../deps.js';
import { keyBringer } from '../job-keys.js';
import { removeOverdue } from '../pod-removal.js';
import { findOrphans, jobObject, type Forgotten, type JobObject } from './orphans.js';
import { comparisonOf, repairLog, type Comparison, type RepairLog } from './repairs.js';
import type { RestoreWatch } from './restored.js';

/** Between the two checks of a job whose pod seems to be gone: longer than the watcher needs to tell its workflow. */
const secondCheckMs = 5_000;
/** Of pods of jobs that a restored database does not know; their number is a metric. */
const keptAtMost = 500;

interface FoundPod extends JobObject {
  nodeName?: string;
}

/** Compares pods with jobs, both ways. */
export function createPodComparison(
  deps: Pick<ActivityDeps, 'config' | 'pool' | 'kubernetes' | 'temporal' | 'logger'>,
  restores: Pick<RestoreWatch, 'look' | 'isOpenedSince'>,
) {
  const { config, pool, kubernetes, temporal, logger } = deps;
  const { core } = kubernetes;
  const bringKeys = keyBringer(deps);

  return {
    /** Deletes pods of jobs that are over, tells running jobs whose pod is gone, and brings those their keys that lack one. */
    async comparePods(): Promise<Comparison> {
      const context = Context.current();
      const log = repairLog(logger, () => context.heartbeat());
      const restore = await restores.look();
      const there = new Set<string>();
      const orphans: FoundPod[] = [];
      const forgotten: Forgotten<FoundPod>[] = [];
      const labelSelector = jobObjectsOf(await installationId(pool));
      for await (const page of pagesOf((part) => core.listPodForAllNamespaces({ labelSelector, ...part }))) {
        const pods = page.items.map(foundPod);
        for (const { uid } of pods) there.add(uid);
        const found = await findOrphans(deps, pods, log, restore);
        orphans.push(...found.orphans);
        forgotten.push(...found.forgotten);
        context.heartbeat();
      }
      // The next run compares with the database that took over.
      if (await restores.isOpenedSince(restore)) return comparisonOf(log);
      await keep(restore, forgotten);
      await log.each(
        orphans,
        ({ namespace, name }) => `pod ${namespace}/${name}`,
        async (pod) => {
          const kind = await removeOrphan(pod);
          const { jobId, namespace, name, nodeName } = pod;
          if (kind !== undefined) log.repaired(kind, { jobId, namespace, name, nodeName });
        },
      );
      await tellAllGone(there, restore, log);
      await log.each(
        await jobsWithoutTheirKeys(pool, config.RECONCILER_GRACE_S),
        ({ jobId }) => `keys of job ${jobId}`,
        async (job) => {
          // Not by its workflow, of which nobody would hear that it fails.
          if (await bringKeys(job)) log.repaired('ssh_keys_differ', { jobId: job.jobId });
        },
      );
      return comparisonOf(log);
    },
  };

  async function removeOrphan(orphan: FoundPod): Promise<'pod_orphaned' | 'pod_stranded' | undefined> {
    const { namespace, name, uid } = orphan;
    // If there is a body, the API server reads its options only from there.
    const remove = (body: V1DeleteOptions) =>
      unlessGone(inTenant(kubernetes, namespace, () => core.deleteNamespacedPod({ namespace, name, body })));
    const pod = await unlessNotFound(core.readNamespacedPod({ namespace, name }));
    if (pod === undefined || pod.metadata?.uid !== uid) return undefined;
    if (pod.metadata.deletionTimestamp === undefined) {
      const deleted = await remove({ preconditions: { uid } });
      return deleted === undefined ? undefined : 'pod_orphaned';
    }
    return (await removeOverdue(deps, pod)) === 'removed' ? 'pod_stranded' : undefined;
  }

  async function tellAllGone(
    there: ReadonlySet<string>,
    restore: OpenRestore | undefined,
    log: RepairLog,
  ): Promise<void> {
    const failedBefore = log.failures.length;
    let areAllTold = true;
    await log.each(
      await jobsWithoutPod(there, log),
      ({ jobId }) => `job ${jobId} without its pod`,
      async (job) => {
        // One without a workflow is repaired by `compareWorkflows`, and told in a later run.
        if (!(await tellGone(job, restore))) areAllTold = false;
        log.repaired('job_without_pod', { jobId: job.jobId, podUid: job.podUid });
      },
    );
    if (restore?.arePodsSeen === false && areAllTold && log.failures.length === failedBefore)
      await markPodsSeen(pool, restore.id, restore.foundAt);
  }

  /** Running jobs whose pod was not listed, in two checks some seconds apart. */
  async function jobsWithoutPod(there: ReadonlySet<string>, log: RepairLog): Promise<RunningPod[]> {
    const suspects: RunningPod[] = [];
    for (let page = await runningPods(pool, config.RECONCILER_GRACE_S); page.length > 0;) {
      suspects.push(...page.filter(({ podUid }) => !there.has(podUid)));
      page = await runningPods(pool, config.RECONCILER_GRACE_S, page.at(-1)!.jobId);
    }
    if (suspects.length === 0) return [];
    await sleep(secondCheckMs, undefined, { signal: Context.current().cancellationSignal });
    const still = await runningAmong(
      pool,
      suspects.map(({ jobId }) => jobId),
    );
    const missing: RunningPod[] = [];
    await log.each(
      still,
      ({ jobId }) => `pod of job ${jobId}`,
      async (job) => {
        if (!(await podIsThere(job))) missing.push(job);
      },
    );
    return missing;
  }

  async function podIsThere({ jobId, namespace, podUid }: RunningPod): Promise<boolean> {
    const pod = await unlessNotFound(core.readNamespacedPod({ name: jobObjectName(jobId), namespace }));
    return pod?.metadata?.uid === podUid;
  }

  /** @returns whether it has a workflow that was told. */
  async function tellGone({ jobId, podUid }: RunningPod, restore: OpenRestore | undefined): Promise<boolean> {
    const endedAt = chargedUntil(restore);
    const gone = {
      ...gonePod(podUid),
      ...(endedAt === undefined ? {} : { endedAt: instantAt(endedAt.getTime()) }),
    };
    return await sendSignal(temporal, jobSignals.podObserved(jobId, gone));
  }

  /** Shows an operator which pods he has to decide about. */
  async function keep(restore: OpenRestore | undefined, forgotten: readonly Forgotten<FoundPod>[]): Promise<void> {
    keptPods.set(forgotten.length);
    if (restore === undefined) return;
    const kept = forgotten.slice(0, keptAtMost).map(({ object, hasWorkflow }) => ({
      ...{ jobId: object.jobId, namespace: object.namespace, name: object.name },
      ...(object.nodeName === undefined ? {} : { node: object.nodeName }),
      ...{ createdAt: object.createdAt.toISOString(), workflow: hasWorkflow },
    }));
    await recordKept(pool, restore.id, kept);
    logger.warn(
      { kept: kept.slice(0, 20), count: forgotten.length },
      'pods are kept because the database was restored',
    );
  }
}

function foundPod({ metadata, spec }: V1Pod): FoundPod {
  return { ...jobObject(metadata), ...(spec?.nodeName === undefined ? {} : { nodeName: spec.nodeName }) };
}
