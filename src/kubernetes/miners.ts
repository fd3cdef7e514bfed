import { BrokerError } from '../domain/errors.js';
import { minersName, type Miner } from '../domain/mining.js';
import { applyPatch, asDependencyError, fieldManager, statusOf, unlessNotFound, type Kubernetes } from './client.js';
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
import { labelledFor } from './ownership.js';

const apply = { fieldManager, force: true };
/**
 * Clusters whose miners' namespace this process has created or checked; forgotten when the namespace turns out to be
 * missing.
 */
const prepared = new WeakSet<Kubernetes>();

/**
 * Makes a provider's miners match the plan, and leaves them alone if they already do. Jobs need no action: the
 * scheduler takes GPUs from miners by priority.
 *
 * @throws ApiException when Kubernetes rejects them for good; BrokerError `dependency_unavailable` for transient
 *   failures.
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
      { ...apply, name, namespace, body: labelledFor(installation, minersSecret(providerId, miner)) },
      applyPatch,
    );
    const secretVersion = secret.metadata?.resourceVersion ?? '';
    const body = labelledFor(installation, minersDeployment(providerId, miners, miner, secretVersion, settings));
    await apps.patchNamespacedDeployment({ ...apply, name, namespace, body }, applyPatch);
  } catch (error) {
    const status = statusOf(error);
    if (status?.code !== 404 && status?.message.includes('is being terminated') !== true)
      throw asDependencyError(error);
    // Somebody removed the namespace after this process last saw it; the next attempt creates it again.
    prepared.delete(kubernetes);
    throw new BrokerError('dependency_unavailable', `namespace ${namespace} is not there now`, {}, { cause: error });
  }
}

/** Removes a provider's miners, if any; Kubernetes deletes the pods with their Deployment. */
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
