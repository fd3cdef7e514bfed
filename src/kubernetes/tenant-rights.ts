import { setTimeout as sleep } from 'node:timers/promises';
import type { RbacV1Subject } from '@kubernetes/client-node';
import { BrokerError } from '../domain/errors.js';
import { asDependencyError, statusOf, unlessExists, unlessNotFound, type Kubernetes } from './client.js';
import { apiAccount, labels, logsRole, managedBy, tenantRole } from './names.js';

/** How long the API server may take to act on a stored RoleBinding; usually it takes milliseconds. */
const effectiveWithinMs = 5_000;
const serviceAccountUser = /^system:serviceaccount:([^:]+):([^:]+)$/;

/** The identity of each client, asked once. */
const accounts = new WeakMap<Kubernetes, Promise<RbacV1Subject | undefined>>();

/**
 * Gives the broker's service account its rights in a tenant's namespace, and waits until they take effect. RBAC has no
 * name prefixes, so no rule could grant them in advance without granting them in every namespace. With an
 * administrator's kubeconfig, the broker has the rights already, and nothing is bound.
 *
 * @throws dependency_unavailable when they do not take effect in time.
 */
export async function ensureTenantRights(kubernetes: Kubernetes, namespace: string): Promise<void> {
  const account = await ownServiceAccount(kubernetes);
  if (account === undefined) return;
  await unlessExists(
    kubernetes.rbac.createNamespacedRoleBinding({
      namespace,
      body: {
        metadata: { name: tenantRole, labels: { [labels.managedBy]: managedBy } },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: tenantRole },
        subjects: [account],
      },
    }),
  );
  await grantLogs(kubernetes, namespace, account);
  const deadline = Date.now() + effectiveWithinMs;
  for (let waitMs = 5; !(await mayWork(kubernetes, namespace)); waitMs *= 2) {
    if (Date.now() > deadline)
      throw new BrokerError('dependency_unavailable', `Kubernetes: no rights in ${namespace} yet`);
    await sleep(waitMs);
  }
}

/** Lets the API read logs there. An installation that has not applied the role yet goes on without it. */
async function grantLogs(kubernetes: Kubernetes, namespace: string, account: RbacV1Subject): Promise<void> {
  try {
    await unlessExists(
      kubernetes.rbac.createNamespacedRoleBinding({
        namespace,
        body: {
          metadata: { name: logsRole, labels: { [labels.managedBy]: managedBy } },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: logsRole },
          subjects: [{ ...account, name: apiAccount }],
        },
      }),
    );
  } catch (error) {
    if (![403, 404].includes(statusOf(error)?.code ?? 0)) throw error;
  }
}

/**
 * Awaits a call in a tenant's namespace, and returns undefined if its object or the namespace does not exist. For a
 * missing namespace, a service account gets "forbidden" where an administrator gets "not found". It also gets
 * "forbidden" in a namespace created before it needed rights there; then it gives itself the rights.
 */
export async function inTenant<T>(
  kubernetes: Kubernetes,
  namespace: string,
  call: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await unlessNotFound(call());
  } catch (error) {
    if (!lacksRight(error)) throw error;
  }
  const there = await unlessNotFound(kubernetes.core.readNamespace({ name: namespace }));
  if (there === undefined) return undefined;
  if (there.metadata?.deletionTimestamp !== undefined) {
    throw new BrokerError('dependency_unavailable', `namespace ${namespace} is being deleted`);
  }
  await ensureTenantRights(kubernetes, namespace);
  return await unlessNotFound(call());
}

/** True when RBAC rejected a call; admission (pod security, a quota) uses the same code with other words. */
export function lacksRight(error: unknown): boolean {
  const status = statusOf(error);
  return status?.code === 403 && /is forbidden: User ".*" cannot /.test(status.message);
}

function ownServiceAccount(kubernetes: Kubernetes): Promise<RbacV1Subject | undefined> {
  const known = accounts.get(kubernetes);
  if (known !== undefined) return known;
  const asked = askWhoWeAre(kubernetes);
  accounts.set(kubernetes, asked);
  asked.catch(() => accounts.delete(kubernetes));
  return asked;
}

async function askWhoWeAre({ authentication }: Kubernetes): Promise<RbacV1Subject | undefined> {
  try {
    const review = await authentication.createSelfSubjectReview({ body: {} });
    const [, namespace, name] = serviceAccountUser.exec(review.status?.userInfo?.username ?? '') ?? [];
    return namespace === undefined || name === undefined ? undefined : { kind: 'ServiceAccount', namespace, name };
  } catch (error) {
    throw asDependencyError(error);
  }
}

/** Asks for one of the rights, since the role grants them together. */
async function mayWork({ authorization }: Kubernetes, namespace: string): Promise<boolean> {
  try {
    const review = await authorization.createSelfSubjectAccessReview({
      body: { spec: { resourceAttributes: { namespace, verb: 'create', resource: 'pods' } } },
    });
    return review.status?.allowed === true;
  } catch (error) {
    throw asDependencyError(error);
  }
}
