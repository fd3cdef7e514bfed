import { CoordinationV1Api, CoreV1Api, KubeConfig } from '@kubernetes/client-node';

const namespace = 'kube-node-lease';

/**
 * Lets the kwok that is started next have all simulated nodes at once. Each kwok has a name of its own, so it waits until
 * the lease of an earlier one has run out; and what is placed on a node in the meantime it may never start.
 */
export async function releaseSimulatedNodes(adminFile: string, labelSelector: string): Promise<void> {
  const config = new KubeConfig();
  config.loadFromFile(adminFile);
  const { items: nodes } = await config.makeApiClient(CoreV1Api).listNode({ labelSelector });
  const leases = config.makeApiClient(CoordinationV1Api);
  const held = new Set((await leases.listNamespacedLease({ namespace })).items.map(({ metadata }) => metadata!.name!));
  const names = nodes.map(({ metadata }) => metadata!.name!).filter((name) => held.has(name));
  await Promise.all(names.map((name) => leases.deleteNamespacedLease({ name, namespace })));
}
