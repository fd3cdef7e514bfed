import { BrokerError } from '../domain/errors.js';
import { tenantNamespace } from '../domain/job.js';
import { unlessExists, type Kubernetes } from './client.js';
import { labels } from './names.js';
import { ownedBy } from './ownership.js';
import { ensureTenantRights } from './tenant-rights.js';
import {
  tenantLimitRange,
  tenantNamespaceObject,
  tenantNetworkPolicy,
  tenantResourceQuota,
  type TenantQuota,
} from './manifests/tenant.js';

/** Tenants whose objects this process has made or seen; saves five calls a job. Emptied when one is refused. */
const known = new Set<string>();

/**
 * Makes sure that a wallet's namespace stands with its policy, quota and defaults. `isolated: false` (one trusted
 * customer, a laboratory) leaves out all but the namespace.
 */
export async function ensureTenant(
  kubernetes: Kubernetes,
  wallet: string,
  quota: TenantQuota,
  isolated: boolean,
  installation: string,
): Promise<void> {
  const { core, networking } = kubernetes;
  const namespace = tenantNamespace(wallet);
  if (known.has(namespace)) return;
  const created = await unlessExists(
    core.createNamespace({ body: ownedBy(installation, tenantNamespaceObject(wallet)) }),
  );
  if (created === undefined) {
    const existing = await core.readNamespace({ name: namespace });
    if (existing.metadata?.deletionTimestamp !== undefined) {
      throw new BrokerError('dependency_unavailable', `namespace ${namespace} is being deleted, and will be made anew`);
    }
    if (existing.metadata?.labels?.[labels.tenant] !== wallet.toLowerCase()) {
      throw new BrokerError('pod_refused', `namespace ${namespace} exists and is not a tenant of this broker`);
    }
  }
  await ensureTenantRights(kubernetes, namespace);
  if (isolated) {
    await Promise.all([
      unlessExists(networking.createNamespacedNetworkPolicy({ namespace, body: tenantNetworkPolicy(wallet) })),
      unlessExists(core.createNamespacedResourceQuota({ namespace, body: tenantResourceQuota(wallet, quota) })),
      unlessExists(core.createNamespacedLimitRange({ namespace, body: tenantLimitRange(wallet) })),
    ]);
  }
  known.add(namespace);
}

/** Forgets that a tenant was seen, so that the next job makes its objects again. */
export function forgetTenant(wallet: string): void {
  known.delete(tenantNamespace(wallet));
}
