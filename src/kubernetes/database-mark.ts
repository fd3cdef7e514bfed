import { asDependencyError, mergePatch, statusOf, unlessNotFound, type Kubernetes } from './client.js';
import { listOfNodesThatLeft } from './left-nodes.js';

/** What the cluster has seen of a database: in time it is never older than the database, unless that was restored. */
export interface SeenDatabase {
  /** 0 if it has seen none. */
  mark: number;
  /** The list of nodes that left, which may have names that the database has forgotten. */
  leftNodes: string[];
}

/** An annotation for each installation, because two may share a cluster. */
const markOf = (installation: string) => `worldland.io/database-mark.${installation}`;

/** The mark is an annotation of the list of nodes that left: the broker may read and change that, and little else there. */
export async function readSeen({ core }: Kubernetes, installation: string): Promise<SeenDatabase> {
  try {
    const list = await unlessNotFound(core.readNamespacedConfigMap(listOfNodesThatLeft));
    const mark = Number(list?.metadata?.annotations?.[markOf(installation)] ?? 0);
    return { mark: Number.isSafeInteger(mark) && mark > 0 ? mark : 0, leftNodes: Object.keys(list?.data ?? {}) };
  } catch (error) {
    // The manifests are not applied, and then nothing was ever written there.
    if (statusOf(error)?.code === 403) return { mark: 0, leftNodes: [] };
    throw asDependencyError(error);
  }
}

/** @returns false if the manifests are not applied, and the cluster keeps no mark. */
export async function writeSeen({ core }: Kubernetes, installation: string, mark: number): Promise<boolean> {
  const body = { metadata: { annotations: { [markOf(installation)]: String(mark) } } };
  try {
    await core.patchNamespacedConfigMap({ ...listOfNodesThatLeft, body }, mergePatch);
    return true;
  } catch (error) {
    const status = statusOf(error);
    if (status?.code !== 403 && status?.code !== 404) throw asDependencyError(error);
    return false;
  }
}
