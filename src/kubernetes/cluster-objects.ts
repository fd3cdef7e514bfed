import { applyPatch, fieldManager, unlessExists, type Kubernetes } from './client.js';
import { bootstrapGroup, labels, managedBy, priorityClasses } from './names.js';

const metadata = (name: string, namespace?: string) => ({
  name,
  ...(namespace === undefined ? {} : { namespace }),
  labels: { [labels.managedBy]: managedBy },
});
const bootstrapSubject = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: bootstrapGroup }];

/** Namespace and Role by which kubeadm, run with one of our tokens, reads what it needs. */
const kubeadmRoles = [
  ['kube-system', 'kubeadm:nodes-kubeadm-config'],
  ['kube-system', 'kubeadm:kubelet-config'],
] as const;

/**
 * What has to stand in the cluster once, before the first provider joins: the rights of our bootstrap group (it may
 * ask for node certificates; nobody but the broker approves them) and the priorities of jobs and miners. An operator
 * may have applied them with the manifests; then nothing changes.
 */
export async function ensureClusterObjects({ rbac, scheduling }: Kubernetes): Promise<void> {
  const apply = { fieldManager, force: true };
  await Promise.all([
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
  ]);
}
