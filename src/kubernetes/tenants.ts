import { BrokerError } from '../domain/errors.js';
import { applyPatch, asDependencyError, fieldManager, unlessExists, type Kubernetes } from './client.js';
import { labels } from './names.js';
import { labelledFor } from './ownership.js';
import { tenantLabel } from './tenant-names.js';
import { ensureTenantRights } from './tenant-rights.js';
import {
  openNetworkPolicy,
  podSecurityLabel,
  tenantGpuQuota,
  tenantLimitRange,
  tenantNamespaceObject,
  tenantNetworkPolicy,
  tenantResourceQuota,
  type TenantQuota,
} from './manifests/tenant.js';

/**
 * What this process has applied for the tenants it knows, which saves five calls per job. An entry is dropped when
 * something is rejected, and is applied again when the figures change. When the cache is full, the oldest entry makes
 * room.
 */
const applied = new Map<string, { wanted: string; gpuResources: Set<string> }>();
const tenantsRemembered = 10_000;
/** What a tenant's namespace must enforce; the broker has no right to change it later. */
const enforcedLevels: ReadonlySet<string> = new Set(['baseline', 'restricted']);

/**
 * Makes sure that a tenant's namespace exists with its current policy, quota and defaults. With `isolated: false` (one
 * trusted customer, a laboratory), there is only the namespace, and an isolated one is opened.
 *
 * @param gpuResource the resource of the job's GPUs, if it is not `nvidia.com/gpu`.
 * @throws BrokerError `pod_refused` for a namespace that is not the broker's, `dependency_unavailable`
 */
export async function ensureTenant(
  kubernetes: Kubernetes,
  namespace: string,
  quota: TenantQuota,
  isolated: boolean,
  installation: string,
  gpuResource?: string,
): Promise<void> {
  const wanted = JSON.stringify([installation, isolated, quota]);
  let known = applied.get(namespace);
  if (known?.wanted !== wanted) {
    const existed = !(await createNamespace(kubernetes, namespace, installation, isolated));
    await ensureTenantRights(kubernetes, namespace);
    if (isolated || existed) await applyLimits(kubernetes, namespace, quota, isolated);
    known = { wanted, gpuResources: new Set() };
    if (applied.size >= tenantsRemembered) applied.delete(applied.keys().next().value!);
    applied.set(namespace, known);
  }
  if (gpuResource === undefined || !isolated || known.gpuResources.has(gpuResource)) return;
  await applyGpuQuota(kubernetes, namespace, gpuResource, quota);
  known.gpuResources.add(gpuResource);
}

async function applyGpuQuota({ core }: Kubernetes, namespace: string, gpuResource: string, quota: TenantQuota) {
  const body = tenantGpuQuota(gpuResource, quota);
  const apply = { fieldManager, force: true, name: body.metadata!.name!, namespace };
  try {
    await core.patchNamespacedResourceQuota({ ...apply, body }, applyPatch);
  } catch (error) {
    throw asDependencyError(error);
  }
}

/** @returns false when the namespace already existed and is a tenant's. */
async function createNamespace(
  { core }: Kubernetes,
  namespace: string,
  installation: string,
  isolated: boolean,
): Promise<boolean> {
  const body = labelledFor(installation, tenantNamespaceObject(namespace));
  if ((await unlessExists(core.createNamespace({ body }))) !== undefined) return true;
  const { metadata } = await core.readNamespace({ name: namespace });
  if (metadata?.deletionTimestamp !== undefined) {
    throw new BrokerError('dependency_unavailable', `namespace ${namespace} is being deleted, and will be made anew`);
  }
  if (metadata?.labels?.[labels.tenant] !== tenantLabel(namespace)) {
    throw new BrokerError('pod_refused', `namespace ${namespace} exists and is not a tenant of this broker`);
  }
  if (isolated && !enforcedLevels.has(metadata.labels[podSecurityLabel] ?? '')) {
    throw new BrokerError('pod_refused', `namespace ${namespace} does not enforce the pod security it was made with`);
  }
  return false;
}

async function applyLimits(
  { core, networking }: Kubernetes,
  namespace: string,
  quota: TenantQuota,
  isolated: boolean,
): Promise<void> {
  const apply = { fieldManager, force: true, name: 'tenant', namespace };
  const policy = isolated ? tenantNetworkPolicy() : openNetworkPolicy();
  try {
    await Promise.all([
      networking.patchNamespacedNetworkPolicy({ ...apply, body: policy }, applyPatch),
      core.patchNamespacedResourceQuota({ ...apply, body: tenantResourceQuota(quota) }, applyPatch),
      core.patchNamespacedLimitRange({ ...apply, body: tenantLimitRange() }, applyPatch),
    ]);
  } catch (error) {
    throw asDependencyError(error);
  }
}

/** Forgets a tenant, so that the next job creates its objects again. */
export function forgetTenant(namespace: string): void {
  applied.delete(namespace);
}
