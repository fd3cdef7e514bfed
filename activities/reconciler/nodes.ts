import { Context } from '@temporalio/activity';
import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Node } from '@kubernetes/client-node';
import type { Config } from '../../src/config.js';
import { installationId } from '../../src/db/installation.js';
import { knownAmong, knownProviders, recordNodesReady, type KnownProvider } from '../../src/db/reconcile-fleet.js';
import { namesThatLeft, nodesLeftUnclosed } from '../../src/db/provider-nodes.js';
import { isSameAllocatable } from '../../src/domain/gpu-resources.js';
import { unlessNotFound } from '../../src/kubernetes/client.js';
import { alignNodesThatLeft, maxNodesThatLeft, nodesThatLeftForDays } from '../../src/kubernetes/left-nodes.js';
import { labels } from '../../src/kubernetes/names.js';
import { isOwnNode, keepFree, nodeOwner } from '../../src/kubernetes/nodes.js';
import { goneNode, nodeAllocatable, observeNode, type NodeObservation } from '../../src/kubernetes/observe.js';
import { nodesOf } from '../../src/kubernetes/ownership.js';
import { pagesOf } from '../../src/kubernetes/pages.js';
import { providerSignals, sendSignal } from '../../src/temporal/signals.js';
import { closeNode } from '../close-nodes.js';
import type { ActivityDeps } from '../deps.js';
import { comparisonOf, repairLog, type Comparison, type RepairLog } from './repairs.js';
import type { RestoreWatch } from './restored.js';

/**
 * Between the two checks of a provider that disagrees with its node: its workflow may just be hearing of the change.
 */
const secondCheckMs = 5_000;

/** Each takes a call or two. */
const closedPerRun = 200;

/** Compares nodes with providers, both ways. */
export function createNodeComparison(
  deps: Pick<ActivityDeps, 'config' | 'pool' | 'kubernetes' | 'temporal' | 'logger'>,
  restores: Pick<RestoreWatch, 'look'>,
) {
  const { config, pool, kubernetes, temporal, logger } = deps;
  const { core } = kubernetes;

  return {
    /** Tells providers' workflows what their rows do not know, and keeps jobs off nodes that belong to no provider. */
    async compareNodes(): Promise<Comparison> {
      const context = Context.current();
      const log = repairLog(logger, () => context.heartbeat());
      // It learns from the cluster which nodes have left, before that list is set to what the database says.
      await restores.look();
      const { seen, suspects, unowned } = await sortNodes(context);
      suspects.push(...(await providersWithoutNode(seen)));
      await keepUnownedFree(unowned, log);
      await closeNodesThatLeft(log);
      if (suspects.length > 0) await sleep(secondCheckMs, undefined, { signal: context.cancellationSignal });
      await tellProviders(suspects, log);
      return comparisonOf(log);
    },
  };

  /** Sorts the fleet's nodes: a provider's own, one that contradicts its provider's row, or nobody's. */
  async function sortNodes(context: Context): Promise<{ seen: Set<string>; suspects: string[]; unowned: V1Node[] }> {
    const seen = new Set<string>();
    const suspects: string[] = [];
    const unowned: V1Node[] = [];
    const labelSelector = nodesOf(await installationId(pool));
    for await (const page of pagesOf((part) => core.listNode({ labelSelector, ...part }))) {
      const known = await knownAmong(
        pool,
        page.items.map((node) => nodeOwner(node) ?? ''),
      );
      const ready: string[] = [];
      for (const node of page.items) {
        const provider = known.get(nodeOwner(node) ?? '');
        if (provider === undefined || !isNodeOf(provider, node)) unowned.push(node);
        else {
          seen.add(provider.providerId);
          if (disagrees(provider, node, config)) suspects.push(provider.providerId);
          else if (provider.nodeReady) ready.push(provider.providerId);
        }
      }
      await recordNodesReady(pool, ready);
      context.heartbeat();
    }
    return { seen, suspects, unowned };
  }

  /** Providers whose row names a node that was not listed. */
  async function providersWithoutNode(seen: ReadonlySet<string>): Promise<string[]> {
    const missing: string[] = [];
    for (let page = await knownProviders(pool); page.length > 0;) {
      for (const { providerId, nodeUid } of page) {
        if (nodeUid !== undefined && !seen.has(providerId)) missing.push(providerId);
      }
      page = await knownProviders(pool, page.at(-1)!.providerId);
    }
    return missing;
  }

  async function keepUnownedFree(unowned: readonly V1Node[], log: RepairLog): Promise<void> {
    await log.each(
      unowned,
      (node) => `node ${node.metadata?.name}`,
      async (node) => {
        if (isNew(node) || !(await keepFree(kubernetes, node))) return;
        log.repaired('node_unowned', { node: node.metadata?.name, labelledFor: nodeOwner(node) });
      },
    );
  }

  /** Makes sure that nodes which left the fleet are deleted from the cluster, and on its list of nodes that left. */
  async function closeNodesThatLeft(log: RepairLog): Promise<void> {
    await log.each(
      await nodesLeftUnclosed(pool, { olderThanS: config.RECONCILER_GRACE_S, limit: closedPerRun }),
      ({ nodeName }) => `node ${nodeName}, which has left`,
      async (node) => {
        await closeNode(deps, node);
        log.repaired('node_not_closed', { providerId: node.providerId, node: node.nodeName });
      },
    );
    await log.each(
      [await namesThatLeft(pool, { withinDays: nodesThatLeftForDays, limit: maxNodesThatLeft })],
      () => 'the list of nodes that left',
      async (names) => {
        const differing = await alignNodesThatLeft(kubernetes, names, logger);
        if (differing > 0) logger.info({ differing }, 'restored the list of nodes that left');
      },
    );
  }

  /** Tells the workflows of those that still disagree with their nodes. */
  async function tellProviders(suspects: string[], log: RepairLog): Promise<void> {
    const still = [...(await knownAmong(pool, suspects)).values()];
    await log.each(
      still,
      ({ providerId }) => `node of provider ${providerId}`,
      async (provider) => {
        const name = provider.nodeName;
        const found = name === undefined ? undefined : await unlessNotFound(core.readNode({ name }));
        const node = found !== undefined && isNodeOf(provider, found) ? found : undefined;
        if (!disagrees(provider, node, config)) return;
        const observation = await tell(provider, node);
        const { providerId, nodeUid, nodeReady, allocatable } = provider;
        log.repaired('node_differs', { providerId, row: { nodeUid, nodeReady, allocatable }, cluster: observation });
      },
    );
  }

  function isNew({ metadata }: V1Node): boolean {
    return Date.now() - (metadata?.creationTimestamp?.getTime() ?? 0) < config.RECONCILER_GRACE_S * 1000;
  }

  async function tell(
    { providerId, nodeName, nodeUid }: KnownProvider,
    node: V1Node | undefined,
  ): Promise<NodeObservation> {
    const observation = node === undefined ? goneNode(nodeName ?? '', nodeUid ?? '') : observeNode(node);
    // No workflow: `compareWorkflows` repairs the provider.
    await sendSignal(temporal, providerSignals.nodeObserved(providerId, { state: observation.state }));
    return observation;
  }
}

/** Whether the node is the provider's own, and does not merely have its name. */
function isNodeOf({ nodeName, node: own }: KnownProvider, node: V1Node): boolean {
  return own !== undefined && nodeName === node.metadata?.name && isOwnNode(node, own);
}

/** Whether a provider's row contradicts its node. A node that is still joining does not count. */
function disagrees(
  provider: KnownProvider,
  node: V1Node | undefined,
  { JOB_RUNTIME_CLASS }: Pick<Config, 'JOB_RUNTIME_CLASS'>,
): boolean {
  if (node === undefined) return provider.nodeUid !== undefined;
  const { uid, state } = observeNode(node);
  const ready = state === 'ready';
  if (provider.nodeUid === undefined && !ready) return false;
  if (provider.nodeUid !== uid || provider.nodeReady !== ready) return true;
  if (node.metadata?.labels?.[labels.placement] !== provider.providerId) return true;
  const { allocatable } = provider;
  return allocatable === undefined || !isSameAllocatable(nodeAllocatable(node, JOB_RUNTIME_CLASS), allocatable);
}
