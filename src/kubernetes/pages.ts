import type { KubernetesListObject, KubernetesObject } from '@kubernetes/client-node';

/**
 * A pod is about ten kilobytes of JSON and several times that when parsed, so this bounds how much of a cluster is in
 * memory.
 */
const pageSize = 500;

/** The arguments of a list call for one page. */
export interface Page {
  limit: number;
  _continue?: string;
}

/**
 * Lists page by page, all from the same version of the cluster.
 *
 * @throws ApiException 410 when the cluster no longer has that version, some minutes after the first page.
 */
export async function* pagesOf<T extends KubernetesObject>(
  list: (page: Page) => Promise<KubernetesListObject<T>>,
): AsyncGenerator<KubernetesListObject<T>> {
  for (let next: string | undefined = ''; next !== undefined;) {
    const page = await list({ limit: pageSize, ...(next === '' ? {} : { _continue: next }) });
    yield page;
    next = page.metadata?._continue || undefined;
  }
}
