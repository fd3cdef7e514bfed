import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  loadAllYaml,
  PatchStrategy,
  type KubernetesObject,
} from '@kubernetes/client-node';
import { writeAtomically } from '../files.js';
import { packageRoot } from '../paths.js';

const folder = join(packageRoot, 'src/kubernetes/deploy');
/** Objects that run the broker in the cluster; a stack runs it as processes. */
const workloads = '3-broker.yaml';
/** The broker's account from the manifests. */
export const brokerAccount = { name: 'broker', namespace: 'worldland-system' };
/** No stack runs for longer, and each start requests a new one. */
const tokenTtlS = 365 * 86_400;
const policyTimeoutMs = 60_000;

/** All objects of the manifests, or only those created before the broker, in the order of the files' names. */
export function manifests(which: 'all' | 'before-the-broker' = 'all'): KubernetesObject[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml') && (which === 'all' || file !== workloads))
    .sort()
    .flatMap((file) => loadAllYaml(readFileSync(join(folder, file), 'utf8')) as KubernetesObject[]);
}

/** Does what `kubectl apply --server-side` does; with `dryRun`, without persisting anything. */
export async function apply(
  config: KubeConfig,
  objects: readonly KubernetesObject[],
  dryRun = false,
): Promise<KubernetesObject[]> {
  const client = KubernetesObjectApi.makeApiClient(config);
  const applied: KubernetesObject[] = [];
  for (const object of objects) {
    const dry = dryRun ? 'All' : undefined;
    applied.push(await client.patch(object, undefined, dry, 'an-operator', true, PatchStrategy.ServerSideApply));
  }
  return applied;
}

/** Writes a kubeconfig for a service account beside the administrator's, and returns its path. */
export async function kubeconfigOf(adminFile: string, account: { name: string; namespace: string }): Promise<string> {
  const admin = load(adminFile);
  const { status } = await admin.makeApiClient(CoreV1Api).createNamespacedServiceAccountToken({
    ...account,
    body: { spec: { audiences: [], expirationSeconds: tokenTtlS } },
  });
  const config = new KubeConfig();
  config.loadFromClusterAndUser(admin.getCurrentCluster()!, { name: account.name, token: status!.token });
  const file = join(dirname(adminFile), `${account.namespace}-${account.name}.kubeconfig`);
  writeAtomically(file, config.exportConfig());
  return file;
}

/**
 * Prepares a cluster as the guide tells an operator to do before the broker starts: applies its rights and the
 * policies. The administrator's kubeconfig stays with the caller.
 *
 * @returns the path of a kubeconfig of the broker's own account
 */
export async function admitBroker(adminFile: string): Promise<string> {
  await apply(load(adminFile), manifests('before-the-broker'));
  const file = await kubeconfigOf(adminFile, brokerAccount);
  await untilPolicyWorks(file);
  return file;
}

/** Waits until the API server enforces the policies, some moments after it stored them. */
async function untilPolicyWorks(brokerFile: string): Promise<void> {
  const core = load(brokerFile).makeApiClient(CoreV1Api);
  const name = 'not-a-tenant';
  for (const deadline = Date.now() + policyTimeoutMs; ; await sleep(100)) {
    const answer = await core
      .createNamespace({ body: { metadata: { name } }, dryRun: 'All' })
      .then(() => 'it may make any namespace', String);
    if (answer.includes('worldland-broker')) return;
    if (Date.now() > deadline) throw new Error(`the policies of the manifests are not in effect: ${answer}`);
  }
}

function load(file: string): KubeConfig {
  const config = new KubeConfig();
  config.loadFromFile(file);
  return config;
}
