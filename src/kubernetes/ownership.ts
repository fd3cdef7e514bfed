import type { V1ObjectMeta } from '@kubernetes/client-node';
import { statusOf, unlessNotFound } from './client.js';
import { jobPodSelector, labels, managedBy } from './names.js';

/** Labels an object as created by this installation. */
export function labelledFor<T extends { metadata?: V1ObjectMeta }>(installation: string, object: T): T {
  const marked = { ...object.metadata?.labels, [labels.installation]: installation };
  return { ...object, metadata: { ...object.metadata, labels: marked } };
}

/** Selects this installation's job objects. */
export const jobObjectsOf = (installation: string): string =>
  `${jobPodSelector},${labels.installation}=${installation}`;

/** Selects this installation's tenant namespaces. */
export const tenantsOf = (installation: string): string =>
  `${labels.managedBy}=${managedBy},${labels.tenant},${labels.installation}=${installation}`;

/** Selects the nodes that this installation marked as providers'. */
export const nodesOf = (installation: string): string => `${labels.placement},${labels.installation}=${installation}`;

/** Awaits a call with a uid precondition, and returns undefined if the object is gone or is a different one. */
export async function unlessGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await unlessNotFound(call);
  } catch (error) {
    if (statusOf(error)?.reason === 'Conflict') return undefined;
    throw error;
  }
}
