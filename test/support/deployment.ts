import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  AuthenticationV1Api,
  CoreV1Api,
  KubeConfig,
  KubernetesObjectApi,
  loadAllYaml,
  PatchStrategy,
  type KubernetesObject,
} from '@kubernetes/client-node';
import { packageRoot } from '../../src/engines/paths.js';

const folder = join(packageRoot, 'src/kubernetes/deploy');
/** The broker's account, as the manifests make it. */
export const brokerAccount = { name: 'broker', namespace: 'worldland-system' };

/** The manifests as an operator applies them: file by file in the order of their names. */
export function manifests(): KubernetesObject[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .flatMap((file) => loadAllYaml(readFileSync(join(folder, file), 'utf8')) as KubernetesObject[]);
}

/** Does to an object what `kubectl apply --server-side` does; with `dryRun` everything but keep it. */
export async function apply(config: KubeConfig, object: KubernetesObject, dryRun = false): Promise<KubernetesObject> {
  return await KubernetesObjectApi.makeApiClient(config).patch(
    object,
    undefined,
    dryRun ? 'All' : undefined,
    'an-operator',
    true,
    PatchStrategy.ServerSideApply,
  );
}

/** Writes a kubeconfig for a service account beside the administrator's, with a token of an hour; answers its path. */
export async function kubeconfigOf(adminFile: string, account: { name: string; namespace: string }): Promise<string> {
  const admin = new KubeConfig();
  admin.loadFromFile(adminFile);
  const { status } = await admin.makeApiClient(CoreV1Api).createNamespacedServiceAccountToken({
    ...account,
    body: { spec: { audiences: [], expirationSeconds: 3_600 } },
  });
  const config = new KubeConfig();
  config.loadFromClusterAndUser(admin.getCurrentCluster()!, { name: account.name, token: status!.token });
  const file = join(dirname(adminFile), `${account.namespace}-${account.name}.kubeconfig`);
  writeFileSync(file, config.exportConfig(), { mode: 0o600 });
  return file;
}

/** Waits until the admission policy is in effect: it is, some moments after it was stored. */
export async function untilPolicyWorks(brokerFile: string): Promise<void> {
  const broker = new KubeConfig();
  broker.loadFromFile(brokerFile);
  const core = broker.makeApiClient(CoreV1Api);
  const name = 'not-a-tenant';
  for (;;) {
    const refused = await core.createNamespace({ body: { metadata: { name } }, dryRun: 'All' }).then(
      () => false,
      (error: unknown) => String(error).includes('worldland-broker'),
    );
    if (refused) return;
    await sleep(100);
  }
}

/** Who a kubeconfig is, in the words of the API server. */
export async function userOf(config: KubeConfig): Promise<string | undefined> {
  const review = await config.makeApiClient(AuthenticationV1Api).createSelfSubjectReview({ body: {} });
  return review.status?.userInfo?.username;
}
