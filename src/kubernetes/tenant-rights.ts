import { setTimeout as sleep } from 'node:timers/promises';
import type { RbacV1Subject } from '@kubernetes/client-node';
import { BrokerError } from '../domain/errors.js';
import { asDependencyError, refusalOf, unlessExists, unlessNotFound, type Kubernetes } from './client.js';
import { labels, managedBy, tenantRole } from './names.js';

/** How long the API server may take to act on a RoleBinding that it has stored; it takes milliseconds. */
const effectiveWithinMs = 5_000;
const serviceAccountUser = /^system:serviceaccount:([^:]+):([^:]+)$/;

/** Who each client is, asked once. */
const accounts = new WeakMap<Kubernetes, Promise<RbacV1Subject | undefined>>();

/**
 * Gives the broker's own service account its rights in a tenant's namespace, and waits until they are in effect. RBAC
 * knows no name prefixes, so there is no rule that could give them beforehand without giving every other namespace's
 * too. Whoever runs the broker with an administrator's kubeconfig has them already: then nothing is bound.
 *
 * @throws dependency_unavailable when they are not in effect in time.
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
  const deadline = Date.now() + effectiveWithinMs;
  for (let waitMs = 5; !(await mayWork(kubernetes, namespace)); waitMs *= 2) {
    if (Date.now() > deadline)
      throw new BrokerError('dependency_unavailable', `Kubernetes: no rights in ${namespace} yet`);
    await sleep(waitMs);
  }
}

/**
 * Awaits a call in a tenant's namespace, and answers undefined where its object or the whole namespace is not there.
 * A service account hears "forbidden" of a namespace that is gone, where an administrator hears "not found"; and it
 * hears so of one that was made before it had to have rights there, which it then gives itself.
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

/** True when RBAC refused a call; admission (pod security, a quota) refuses with the same code and other words. */
export function lacksRight(error: unknown): boolean {
  const refusal = refusalOf(error);
  return refusal?.code === 403 && /is forbidden: User ".*" cannot /.test(refusal.message);
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

/** Asks for one of the rights that the role gives as a whole. */
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
