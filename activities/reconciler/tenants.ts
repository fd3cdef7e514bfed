import { Context } from '@temporalio/activity';
import type { V1Namespace, V1ObjectMeta } from '@kubernetes/client-node';
import { installationId } from '../../src/db/installation.js';
import { tenantsAmong, walletInName, type Tenant } from '../../src/db/tenants.js';
import { idleTenants, whileIdle } from '../../src/db/tidy.js';
import type { OpenRestore } from '../../src/db/restores.js';
import { jobObjectsOf, tenantsOf, unlessGone } from '../../src/kubernetes/ownership.js';
import { pagesOf } from '../../src/kubernetes/pages.js';
import { inTenant } from '../../src/kubernetes/tenant-rights.js';
import { forgetTenant } from '../../src/kubernetes/tenants.js';
import type { ActivityDeps } from '../deps.js';
import { findOrphans, jobObject, type JobObject } from './orphans.js';
import { comparisonOf, repairLog, type Comparison, type RepairKind, type RepairLog } from './repairs.js';
import type { RestoreWatch } from './restored.js';

interface FoundTenant {
  namespace: string;
  uid: string;
  createdAt: Date;
}

/** Checks the tenants' namespaces: what is left in them, and whether they are still needed. */
export function createTenantComparison(
  deps: Pick<ActivityDeps, 'config' | 'pool' | 'kubernetes' | 'temporal' | 'logger'>,
  restores: Pick<RestoreWatch, 'look' | 'isOpenedSince'>,
) {
  const { config, pool, kubernetes, logger } = deps;
  const { core } = kubernetes;

  return {
    /** Deletes Services and Secrets of jobs that are over, and namespaces that have been empty for a long time. */
    async compareTenants(): Promise<Comparison & { namespacesRemoved: number }> {
      const context = Context.current();
      const log = repairLog(logger, () => context.heartbeat());
      const restore = await restores.look();
      const installation = await installationId(pool);
      const labelSelector = jobObjectsOf(installation);
      let namespacesRemoved = 0;
      const tenantSelector = tenantsOf(installation);
      for await (const page of pagesOf((part) => core.listNamespace({ labelSelector: tenantSelector, ...part }))) {
        const tenants = page.items.filter(({ metadata }) => metadata?.deletionTimestamp === undefined).map(tenantOf);
        await log.each(
          tenants,
          ({ namespace }) => `namespace ${namespace}`,
          ({ namespace }) => sweep(namespace, labelSelector, log, restore),
        );
        // Nobody knows which tenant had a job that the database has forgotten.
        if (restore !== undefined) continue;
        const idle = await emptyFor(tenants, config.TENANT_NAMESPACE_TTL_S);
        await log.each(
          idle,
          ({ namespace }) => `namespace ${namespace}`,
          async (tenant) => {
            if (await restores.isOpenedSince(undefined)) return;
            if (await remove(tenant)) namespacesRemoved++;
          },
        );
      }
      return { ...comparisonOf(log), namespacesRemoved };
    },
  };

  /** Lists namespace by namespace, since the broker may read Secrets only in its tenants' namespaces. */
  async function sweep(
    namespace: string,
    labelSelector: string,
    log: RepairLog,
    restore: OpenRestore | undefined,
  ): Promise<void> {
    const services = await inTenant(kubernetes, namespace, () =>
      core.listNamespacedService({ namespace, labelSelector }),
    );
    await removeOrphans('service_orphaned', services?.items ?? [], { log, restore }, ({ name, uid }) =>
      core.deleteNamespacedService({ name, namespace, body: { preconditions: { uid } } }),
    );
    const secrets = await inTenant(kubernetes, namespace, () =>
      core.listNamespacedSecret({ namespace, labelSelector }),
    );
    await removeOrphans('secret_orphaned', secrets?.items ?? [], { log, restore }, ({ name, uid }) =>
      core.deleteNamespacedSecret({ name, namespace, body: { preconditions: { uid } } }),
    );
  }

  async function removeOrphans(
    kind: RepairKind,
    listed: readonly { metadata?: V1ObjectMeta }[],
    { log, restore }: { log: RepairLog; restore: OpenRestore | undefined },
    remove: (object: JobObject) => Promise<unknown>,
  ): Promise<void> {
    const objects = listed.filter(({ metadata }) => metadata?.deletionTimestamp === undefined);
    const { orphans } = await findOrphans(
      deps,
      objects.map(({ metadata }) => jobObject(metadata)),
      log,
      restore,
    );
    if (orphans.length > 0 && (await restores.isOpenedSince(restore))) return;
    for (const object of orphans) {
      if ((await unlessGone(remove(object))) === undefined) continue;
      log.repaired(kind, { jobId: object.jobId, namespace: object.namespace, name: object.name });
    }
  }

  /**
   * Leaves a namespace whose tenant is unknown, since nothing could keep that tenant from ordering meanwhile. His next
   * job makes it known.
   */
  async function emptyFor(found: readonly FoundTenant[], ttlS: number): Promise<(FoundTenant & Tenant)[]> {
    const before = Date.now() - ttlS * 1000;
    const old = found.filter(({ createdAt }) => createdAt.getTime() < before);
    const known = await tenantsAmong(
      pool,
      old.map(({ namespace }) => namespace),
    );
    const tenants = old.flatMap((tenant) => {
      const wallet = known.get(tenant.namespace) ?? walletInName(tenant.namespace);
      return wallet === undefined ? [] : [{ ...tenant, wallet }];
    });
    const idle = await idleTenants(pool, tenants, ttlS);
    return tenants.filter(({ namespace }) => idle.has(namespace));
  }

  /**
   * The wallet cannot order between the check and the deletion. A later job finds the namespace terminating, and waits
   * until it is gone.
   */
  async function remove({ wallet, namespace, uid }: FoundTenant & Tenant): Promise<boolean> {
    let removed = false;
    await whileIdle(pool, { wallet, namespace }, config.TENANT_NAMESPACE_TTL_S, async () => {
      // Whoever owns the pod: a namespace with a running pod is not empty.
      const { items } = await core.listNamespacedPod({ namespace, limit: 1 });
      if (items.length > 0) return false;
      const deleted = await unlessGone(core.deleteNamespace({ name: namespace, body: { preconditions: { uid } } }));
      removed = deleted !== undefined;
      return removed;
    });
    if (removed) {
      forgetTenant(namespace);
      logger.info({ namespace }, 'removed the namespace of a tenant without recent jobs');
    }
    return removed;
  }
}

function tenantOf({ metadata }: V1Namespace): FoundTenant {
  return {
    namespace: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    createdAt: metadata?.creationTimestamp ?? new Date(),
  };
}
