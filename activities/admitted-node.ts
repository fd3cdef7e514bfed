import { admitNode, type Admission } from '../src/db/node-admission.js';
import { currentNode } from '../src/db/provider-nodes.js';
import { unlessNotFound } from '../src/kubernetes/client.js';
import { isOwnNode } from '../src/kubernetes/nodes.js';
import type { ActivityDeps } from './deps.js';

/**
 * The node that a registration is admitted for: the provider's node in the fleet, or a new one under an unused name.
 */
export async function admittedNode(
  { pool, kubernetes }: Pick<ActivityDeps, 'pool' | 'kubernetes'>,
  admission: Omit<Admission, 'seen'>,
): Promise<{ nodeName: string; isNew: boolean }> {
  const read = (name: string) => unlessNotFound(kubernetes.core.readNode({ name }));
  let known = await currentNode(pool, admission.providerId);
  let node = known && (await read(known.nodeName));
  for (;;) {
    const isOwn = node !== undefined && isOwnNode(node, known!);
    const found = node === undefined ? 'none' : isOwn ? 'its_own' : 'anothers';
    const seen = known === undefined ? {} : { seen: { nodeName: known.nodeName, node: found } as const };
    const admitted = await admitNode(pool, { ...admission, ...seen });
    if (admitted.nodeName === known?.nodeName) return { nodeName: admitted.nodeName, isNew: !isOwn };
    node = await read(admitted.nodeName);
    if (node === undefined) return { nodeName: admitted.nodeName, isNew: true };
    known = admitted;
  }
}
