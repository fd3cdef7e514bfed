import type { V1ObjectMeta } from '@kubernetes/client-node';
import { openAmong } from '../../src/db/reconcile-jobs.js';
import { knownJobs, type OpenRestore } from '../../src/db/restores.js';
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

/** An object of a job that a restored database does not know. */
export interface Forgotten<T extends JobObject> {
  object: T;
  /** Then the workflow takes care of it. */
  hasWorkflow: boolean;
}

/**
 * Of these objects, those that nobody will delete: their job is over or was never ordered, it has no running workflow,
 * and they are older than the grace. A job whose row is missing although its workflow runs (the database was restored
 * from yesterday's backup) keeps its pod: its customer is working in it.
 *
 * @param restore while it is open, objects of jobs without a row are `forgotten` and no orphans: a database that forgot
 * the order cannot know whether the job is over.
 */
export async function findOrphans<T extends JobObject>(
  { config, pool, temporal }: Pick<ActivityDeps, 'config' | 'pool' | 'temporal'>,
  objects: readonly T[],
  log: RepairLog,
  restore: OpenRestore | undefined,
): Promise<{ orphans: T[]; forgotten: Forgotten<T>[] }> {
  const before = Date.now() - config.RECONCILER_GRACE_S * 1000;
  const old = objects.filter(({ createdAt }) => createdAt.getTime() <= before);
  const ids = old.map(({ jobId }) => jobId).filter(isUuid);
  const open = await openAmong(pool, ids);
  const known = restore === undefined ? undefined : await knownJobs(pool, ids);
  const orphans: T[] = [];
  const forgotten: Forgotten<T>[] = [];
  await log.each(
    old.filter(({ jobId }) => !open.has(jobId)),
    ({ namespace, name }) => `workflow of ${namespace}/${name}`,
    async (object) => {
      const hasWorkflow = (await workflowFate(temporal, jobWorkflowId(object.jobId))) === 'goes_on';
      if (known !== undefined && !known.has(object.jobId)) forgotten.push({ object, hasWorkflow });
      else if (!hasWorkflow) orphans.push(object);
    },
  );
  return { orphans, forgotten };
}
