import { KubeConfig, RbacAuthorizationV1Api } from '@kubernetes/client-node';

/**
 * Lets the user `kube-router` read what network policies depend on, and nothing else.
 *
 * @param kubeconfig path of an administrator's.
 */
export async function letKubeRouterRead(kubeconfig: string): Promise<void> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const rbac = config.makeApiClient(RbacAuthorizationV1Api);
  const name = 'kube-router';
  const verbs = ['get', 'list', 'watch'];
  await unlessThere(
    rbac.createClusterRole({
      body: {
        metadata: { name },
        rules: [
          { apiGroups: [''], resources: ['namespaces', 'pods', 'services', 'nodes', 'endpoints'], verbs },
          { apiGroups: ['discovery.k8s.io'], resources: ['endpointslices'], verbs },
          { apiGroups: ['networking.k8s.io'], resources: ['networkpolicies'], verbs },
        ],
      },
    }),
  );
  await unlessThere(
    rbac.createClusterRoleBinding({
      body: {
        metadata: { name },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name },
        subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name }],
      },
    }),
  );
}

/** A cluster that had a real node before has them already. */
async function unlessThere(call: Promise<unknown>): Promise<void> {
  await call.catch((error: { code?: number }) => {
    if (error.code !== 409) throw error;
  });
}
