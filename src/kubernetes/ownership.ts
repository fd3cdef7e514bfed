import type { V1ObjectMeta } from '@kubernetes/client-node';
import { refusalOf, unlessNotFound } from './client.js';
import { jobPodSelector, labels, managedBy } from './names.js';

/** Marks an object as made by this installation. */
export function ownedBy<T extends { metadata?: V1ObjectMeta }>(installation: string, object: T): T {
  const marked = { ...object.metadata?.labels, [labels.installation]: installation };
  return { ...object, metadata: { ...object.metadata, labels: marked } };
}

/** Selects the jobs' objects of this installation. */
export const jobObjectsOf = (installation: string): string =>
  `${jobPodSelector},${labels.installation}=${installation}`;

/** Selects the tenants' namespaces of this installation. */
export const tenantsOf = (installation: string): string =>
  `${labels.managedBy}=${managedBy},${labels.tenant},${labels.installation}=${installation}`;

/** Selects the nodes that this installation took as a provider's. */
export const nodesOf = (installation: string): string => `${labels.placement},${labels.installation}=${installation}`;

/** Awaits a call with a uid in its preconditions, and answers undefined where the object is gone or is another one. */
export async function unlessGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await unlessNotFound(call);
  } catch (error) {
    if (refusalOf(error)?.reason === 'Conflict') return undefined;
    throw error;
  }
}
