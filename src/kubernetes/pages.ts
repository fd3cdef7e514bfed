import type { KubernetesListObject, KubernetesObject } from '@kubernetes/client-node';

/** A pod is some ten kilobytes of JSON and several times that when parsed: so much of a cluster is held at once. */
const pageSize = 500;

/** What a listing call takes to answer one page. */
export interface Page {
  limit: number;
  _continue?: string;
}

/**
 * Lists by pages, all from the same version of the cluster.
 *
 * @throws ApiException 410 when the cluster no longer has that version, minutes after the first page.
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
