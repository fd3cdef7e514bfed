import type { Logger } from 'pino';
import { asDependencyError, mergePatch, statusOf, unlessNotFound, type Kubernetes } from './client.js';

/**
 * The names of nodes that have left the fleet and may still have a certificate. An admission policy rejects everything
 * they write. The list is in the cluster so that it also works while the broker is away.
 */
export const listOfNodesThatLeft = { name: 'nodes-that-left', namespace: 'worldland-system' };
const present = 'left';
/** With names of 63 characters; an object in the cluster can have one and a half megabytes. */
export const maxNodesThatLeft = 10_000;
/** Longer than the lifetime of any node certificate, unless the cluster is configured for longer ones. */
export const nodesThatLeftForDays = 400;

/** Rejects whatever these nodes write from now on. If the list is left to the manifests and missing, that is logged. */
export async function shutOut(kubernetes: Kubernetes, nodeNames: readonly string[], logger: Logger): Promise<void> {
  if (nodeNames.length === 0) return;
  await change(kubernetes, Object.fromEntries(nodeNames.map((name) => [name, present])), logger);
}

/**
 * Corrects the list.
 *
 * @returns how many names were missing or superfluous.
 */
export async function alignNodesThatLeft(
  kubernetes: Kubernetes,
  names: readonly string[],
  logger: Logger,
): Promise<number> {
  let stands: Record<string, string> | undefined;
  try {
    stands = (await unlessNotFound(kubernetes.core.readNamespacedConfigMap(listOfNodesThatLeft)))?.data;
  } catch (error) {
    if (statusOf(error)?.code !== 403) throw asDependencyError(error);
  }
  const wanted = new Set(names);
  const missing = names.filter((name) => stands?.[name] === undefined);
  const needless = Object.keys(stands ?? {}).filter((name) => !wanted.has(name));
  if (missing.length + needless.length === 0) return 0;
  const data: Record<string, string | null> = {};
  for (const name of missing) data[name] = present;
  for (const name of needless) data[name] = null;
  return (await change(kubernetes, data, logger)) ? missing.length + needless.length : 0;
}

async function change({ core }: Kubernetes, data: Record<string, string | null>, logger: Logger): Promise<boolean> {
  try {
    await core.patchNamespacedConfigMap({ ...listOfNodesThatLeft, body: { data } }, mergePatch);
    return true;
  } catch (error) {
    const status = statusOf(error);
    if (status?.code !== 403 && status?.code !== 404) throw asDependencyError(error);
    logger.warn({ reason: status.message }, 'nodes that left can still write: the manifests are not applied');
    return false;
  }
}
