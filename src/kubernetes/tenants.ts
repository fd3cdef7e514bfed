import { BrokerError } from '../domain/errors.js';
import { applyPatch, asDependencyError, fieldManager, unlessExists, type Kubernetes } from './client.js';
import { labels } from './names.js';
import { ownedBy } from './ownership.js';
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
 * What this process has applied to the tenants it knows; saves five calls a job. Forgotten when something is refused,
 * and done again with other figures; so it is for one that makes place for another.
 */
const applied = new Map<string, { wanted: string; gpuResources: Set<string> }>();
const tenantsRemembered = 10_000;
/** What a tenant's namespace has to enforce; the broker has no right to change it afterwards. */
const enforcedLevels: ReadonlySet<string> = new Set(['baseline', 'restricted']);

/**
 * Makes sure that a tenant's namespace stands with its policy, quota and defaults, as they are to be now. With
 * `isolated: false` (one trusted customer, a laboratory) a namespace stands alone, and one that was isolated is opened.
 *
 * @param gpuResource what the GPUs are that a job is to get there, where it is another than `nvidia.com/gpu`.
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

/** @returns false when it was there before, and is a tenant's. */
async function createNamespace(
  { core }: Kubernetes,
  namespace: string,
  installation: string,
  isolated: boolean,
): Promise<boolean> {
  const body = ownedBy(installation, tenantNamespaceObject(namespace));
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

/** Forgets that a tenant was seen, so that the next job makes its objects again. */
export function forgetTenant(namespace: string): void {
  applied.delete(namespace);
}
