import { installationId, tenantKey } from '../src/db/installation.js';
import { claimNamespace, findJobNamespace } from '../src/db/tenants.js';
import { jobObjectName, type JobOrder } from '../src/domain/job.js';
import { unlessNotFound } from '../src/kubernetes/client.js';
import { labels } from '../src/kubernetes/names.js';
import { jobObjectsOf } from '../src/kubernetes/ownership.js';
import { openTenantNamespace, tenantNamespace } from '../src/kubernetes/tenant-names.js';
import type { ActivityDeps } from './deps.js';

type Deps = Pick<ActivityDeps, 'pool' | 'kubernetes'>;

/**
 * The namespace of a job's objects. If the job's row is missing although its workflow runs (the database was restored
 * from yesterday's backup), the pod's namespace decides.
 */
export async function namespaceOfJob(
  { pool, kubernetes }: Deps,
  { jobId, wallet }: Pick<JobOrder, 'jobId' | 'wallet'>,
): Promise<string> {
  const known = await findJobNamespace(pool, jobId);
  if (known !== undefined) return known.namespace;
  const labelSelector = `${jobObjectsOf(await installationId(pool))},${labels.jobId}=${jobId}`;
  const { items } = await kubernetes.core.listPodForAllNamespaces({ labelSelector, limit: 1 });
  return items[0]?.metadata?.namespace ?? tenantNamespace(await tenantKey(pool), wallet);
}

/**
 * Decides on the namespace of a job's objects before the first of them is created, and keeps to it.
 *
 * An earlier attempt, or one at another provider, may have run in a version that named tenants after their wallets: if
 * that left a pod, the job stays in the pod's namespace.
 *
 * @param isRepeat true if there was an earlier attempt.
 */
export async function claimJobNamespace(
  { pool, kubernetes }: Deps,
  { jobId, wallet }: JobOrder,
  isRepeat: boolean,
): Promise<string> {
  const known = await findJobNamespace(pool, jobId);
  if (known?.isClaimed === true) return known.namespace;
  const open = openTenantNamespace(wallet);
  const isThere =
    (isRepeat || known?.hasMoved === true) &&
    (await unlessNotFound(kubernetes.core.readNamespacedPod({ name: jobObjectName(jobId), namespace: open }))) !==
      undefined;
  const wanted = isThere ? open : tenantNamespace(await tenantKey(pool), wallet);
  return (await claimNamespace(pool, jobId, wanted)) ?? wanted;
}
