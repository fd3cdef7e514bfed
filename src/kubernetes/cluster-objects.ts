import type { Logger } from 'pino';
import { applyPatch, asDependencyError, fieldManager, statusOf, unlessExists, type Kubernetes } from './client.js';
import { bootstrapGroup, labels, managedBy, priorityClasses } from './names.js';

const metadata = (name: string, namespace?: string) => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
  labels: { [labels.managedBy]: managedBy },
});
const bootstrapSubject = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: bootstrapGroup }];

/** The namespace and Role with which kubeadm, run with one of our tokens, reads what it needs. */
const kubeadmRoles = [
  ['kube-system', 'kubeadm:nodes-kubeadm-config'],
  ['kube-system', 'kubeadm:kubelet-config'],
] as const;

/**
 * Creates the objects that the cluster needs before the first provider joins: the rights of our bootstrap group (it may
 * request node certificates; only the broker approves them) and the priorities of jobs and miners. An operator may have
 * applied them with the manifests without giving the broker the right to: then this logs so once, and takes them as
 * created.
 */
export async function ensureClusterObjects({ rbac, scheduling }: Kubernetes, logger: Logger): Promise<void> {
  const apply = { fieldManager, force: true };
  const unlessForbidden = async (call: Promise<unknown>) => {
    try {
      await call;
    } catch (error) {
      if (statusOf(error)?.code !== 403) throw asDependencyError(error);
      logger.info({ reason: statusOf(error)?.message }, 'left to the manifests: the broker may not apply it');
    }
  };
  const calls = [
    ...['system:node-bootstrapper', 'kubeadm:get-nodes'].map((role) =>
      rbac.patchClusterRoleBinding(
        {
          ...apply,
          name: `worldland:${role}`,
          body: {
            apiVersion: 'rbac.authorization.k8s.io/v1',
            kind: 'ClusterRoleBinding',
            metadata: metadata(`worldland:${role}`),
            roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
            subjects: bootstrapSubject,
          },
        },
        applyPatch,
      ),
    ),
    ...kubeadmRoles.map(([namespace, role]) =>
      rbac.patchNamespacedRoleBinding(
        {
          ...apply,
          name: `worldland:${role}`,
          namespace,
          body: {
            apiVersion: 'rbac.authorization.k8s.io/v1',
            kind: 'RoleBinding',
            metadata: metadata(`worldland:${role}`, namespace),
            roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: role },
            subjects: bootstrapSubject,
          },
        },
        applyPatch,
      ),
    ),
    unlessExists(
      scheduling.createPriorityClass({
        body: {
          metadata: metadata(priorityClasses.rental),
          value: 1_000_000,
          preemptionPolicy: 'PreemptLowerPriority',
          description: 'jobs that somebody pays for',
        },
      }),
    ),
    unlessExists(
      scheduling.createPriorityClass({
        body: {
          metadata: metadata(priorityClasses.mining),
          value: -1_000,
          preemptionPolicy: 'Never',
          description: 'miners on idle GPUs; they give way to jobs',
        },
      }),
    ),
  ];
  await Promise.all(calls.map(unlessForbidden));
}
