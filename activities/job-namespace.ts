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
 * Where a job's objects are. Of a job whose row is missing although its workflow runs (a database restored from
 * yesterday) its pod tells.
 */
export async function namespaceOfJob({ pool, kubernetes }: Deps, { jobId, wallet }: JobOrder): Promise<string> {
  const known = await findJobNamespace(pool, jobId);
  if (known !== undefined) return known.namespace;
  const labelSelector = `${jobObjectsOf(await installationId(pool))},${labels.jobId}=${jobId}`;
  const { items } = await kubernetes.core.listPodForAllNamespaces({ labelSelector, limit: 1 });
  return items[0]?.metadata?.namespace ?? tenantNamespace(await tenantKey(pool), wallet);
}

/**
 * Decides where a job's objects are to be, before the first of them is made, and keeps to it.
 *
 * Whoever tried before, or at another provider, may have been of a version that called tenants by their wallets: the job
 * stays with the pod that is there.
 *
 * @param isRepeat it was tried before.
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
