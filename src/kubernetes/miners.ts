import { BrokerError } from '../domain/errors.js';
import { minersName, type Miner } from '../domain/mining.js';
import { applyPatch, asDependencyError, fieldManager, refusalOf, unlessNotFound, type Kubernetes } from './client.js';
import {
  minersDeployment,
  minersSecret,
  miningNamespaceObject,
  miningNetworkPolicy,
  miningPriorityQuota,
  miningResourceQuota,
  type MinerManifestSettings,
} from './manifests/mining.js';
import { miningNamespace as namespace } from './names.js';
import { ownedBy } from './ownership.js';

const apply = { fieldManager, force: true };
/** Clusters whose namespace for miners this process has made or seen to; forgotten when it is not there after all. */
const prepared = new WeakSet<Kubernetes>();

/**
 * Brings a provider's miners to what they are to be; one that is so already is left alone. Jobs need nothing of this:
 * the scheduler takes GPUs from miners by their priority.
 *
 * @throws ApiException where Kubernetes refuses them for good; BrokerError `dependency_unavailable` for what may pass.
 */
export async function applyMiners(
  kubernetes: Kubernetes,
  providerId: string,
  { miners, miner }: { miners: number; miner: Miner },
  { installation, closed, ...settings }: MinerManifestSettings & { installation: string; closed: readonly string[] },
): Promise<void> {
  const { core, apps } = kubernetes;
  const name = minersName(providerId);
  try {
    await prepareNamespace(kubernetes, closed);
    const secret = await core.patchNamespacedSecret(
      { ...apply, name, namespace, body: ownedBy(installation, minersSecret(providerId, miner)) },
      applyPatch,
    );
    const secretVersion = secret.metadata?.resourceVersion ?? '';
    const body = ownedBy(installation, minersDeployment(providerId, miners, miner, secretVersion, settings));
    await apps.patchNamespacedDeployment({ ...apply, name, namespace, body }, applyPatch);
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal?.code !== 404 && refusal?.message.includes('is being terminated') !== true)
      throw asDependencyError(error);
    // Somebody removed the namespace since this process saw it: another attempt makes it anew.
    prepared.delete(kubernetes);
    throw new BrokerError('dependency_unavailable', `namespace ${namespace} is not there now`, {}, { cause: error });
  }
}

/** Ends a provider's miners, if there are any; Kubernetes collects the pods with their Deployment. */
export async function removeMiners({ core, apps }: Kubernetes, providerId: string): Promise<void> {
  const name = minersName(providerId);
  await unlessNotFound(apps.deleteNamespacedDeployment({ name, namespace, propagationPolicy: 'Background' }));
  await unlessNotFound(core.deleteNamespacedSecret({ name, namespace }));
}

async function prepareNamespace(kubernetes: Kubernetes, closed: readonly string[]): Promise<void> {
  if (prepared.has(kubernetes)) return;
  const { core, networking } = kubernetes;
  await core.patchNamespace({ ...apply, name: namespace, body: miningNamespaceObject() }, applyPatch);
  const quotas = [miningResourceQuota(), miningPriorityQuota()];
  await Promise.all([
    ...quotas.map((body) =>
      core.patchNamespacedResourceQuota({ ...apply, name: body.metadata!.name!, namespace, body }, applyPatch),
    ),
    networking.patchNamespacedNetworkPolicy(
      { ...apply, name: 'mining', namespace, body: miningNetworkPolicy(closed) },
      applyPatch,
    ),
  ]);
  prepared.add(kubernetes);
}
