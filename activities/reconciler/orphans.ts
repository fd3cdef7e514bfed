import type { V1ObjectMeta } from '@kubernetes/client-node';
import { openAmong } from '../../src/db/reconcile-jobs.js';
import { jobWorkflowId } from '../../src/domain/job.js';
import { isUuid } from '../../src/domain/uuid.js';
import { labels } from '../../src/kubernetes/names.js';
import { workflowFate } from '../../src/temporal/workflow-fate.js';
import type { ActivityDeps } from '../deps.js';
import type { RepairLog } from './repairs.js';

/** A listed object that belongs to a job. */
export interface JobObject {
  /** The value of its label, which may be anything. */
  jobId: string;
  namespace: string;
  name: string;
  uid: string;
  createdAt: Date;
}

export function jobObject(metadata: V1ObjectMeta | undefined): JobObject {
  return {
    jobId: metadata?.labels?.[labels.jobId] ?? '',
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    createdAt: metadata?.creationTimestamp ?? new Date(0),
  };
}

/**
 * Of these objects, those that nobody will delete: their job is over or was never ordered, it has no running workflow,
 * and they are older than the grace. A job whose row is missing although its workflow runs (the database was restored
 * from yesterday's backup) keeps its pod: its customer is working in it.
 */
export async function findOrphans<T extends JobObject>(
  { config, pool, temporal }: Pick<ActivityDeps, 'config' | 'pool' | 'temporal'>,
  objects: readonly T[],
  log: RepairLog,
): Promise<T[]> {
  const before = Date.now() - config.RECONCILER_GRACE_S * 1000;
  const old = objects.filter(({ createdAt }) => createdAt.getTime() <= before);
  const open = await openAmong(pool, old.map(({ jobId }) => jobId).filter(isUuid));
  const orphans: T[] = [];
  await log.each(
    old.filter(({ jobId }) => !open.has(jobId)),
    ({ namespace, name }) => `workflow of ${namespace}/${name}`,
    async (object) => {
      if ((await workflowFate(temporal, jobWorkflowId(object.jobId))) !== 'goes_on') orphans.push(object);
    },
  );
  return orphans;
}
