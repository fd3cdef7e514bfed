import { markNodeClosed, nodesToClose, type NamedNode } from '../src/db/provider-nodes.js';
import { unlessNotFound } from '../src/kubernetes/client.js';
import { shutOut } from '../src/kubernetes/left-nodes.js';
import { isOwnNode } from '../src/kubernetes/nodes.js';
import { unlessGone } from '../src/kubernetes/ownership.js';
import type { ActivityDeps } from './deps.js';

type Deps = Pick<ActivityDeps, 'pool' | 'kubernetes' | 'logger'>;

/** Removes a provider's nodes from the cluster after they left the fleet; a repeat finishes what was begun. */
export async function closeNodes(deps: Deps, providerId: string): Promise<void> {
  for (const node of await nodesToClose(deps.pool, providerId)) await closeNode(deps, node);
}

/**
 * First denies the node's credentials all writes, so that it cannot create its object again; then deletes the node with
 * its pods.
 */
export async function closeNode({ pool, kubernetes, logger }: Deps, node: NamedNode): Promise<void> {
  const { nodeName } = node;
  if (isNamedByBroker(node)) await shutOut(kubernetes, [nodeName], logger);
  const found = await unlessNotFound(kubernetes.core.readNode({ name: nodeName }));
  if (found !== undefined && isOwnNode(found, node)) {
    const preconditions = { uid: found.metadata!.uid! };
    await unlessGone(kubernetes.core.deleteNode({ name: nodeName, body: { preconditions } }));
  }
  await markNodeClosed(pool, nodeName);
}

/** Other names may one day belong to an operator's machine, which must not find itself shut out. */
function isNamedByBroker({ generation }: NamedNode): boolean {
  return generation > 0;
}
