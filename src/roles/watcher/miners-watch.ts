import { setTimeout as sleep } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { providersWithMiners, recordMinerCounts, type MinerCounts } from '../../db/mining.js';
import type { Kubernetes } from '../../kubernetes/client.js';
import { labels, minerPodSelector, miningNamespace } from '../../kubernetes/names.js';
import { observeMiner, type MinerState } from '../../kubernetes/observe.js';
import { Reflector } from '../../kubernetes/reflector.js';

interface Miner {
  providerId: string | undefined;
  uid: string | undefined;
  /** Undefined for a pod that is over. */
  state: MinerState | undefined;
}

/** Changes that come close together are written at once; a job that takes GPUs changes several miners. */
const gatherMs = 50;
const retryMs = 2_000;

/**
 * Keeps each provider's counts of running, waiting and failing miners in the database up to date with their pods. A
 * failed write is retried later; a watcher that starts again counts all pods again.
 */
export function watchMiners(kubernetes: Kubernetes, pool: Pool, logger: Logger) {
  const miners = new Map<string, Map<string, MinerState>>();
  const changed = new Set<string>();
  const stopped = new AbortController();
  let writing: Promise<void> | undefined;

  const count = ({ providerId, uid, state }: Miner) => {
    if (providerId === undefined || uid === undefined) return;
    const ofProvider = miners.get(providerId) ?? new Map<string, MinerState>();
    if (ofProvider.get(uid) === state) return;
    if (state === undefined) ofProvider.delete(uid);
    else ofProvider.set(uid, state);
    if (ofProvider.size === 0) miners.delete(providerId);
    else miners.set(providerId, ofProvider);
    changed.add(providerId);
    writeSoon();
  };
  const writeSoon = () => {
    if (changed.size > 0) writing ??= write();
  };

  async function write(): Promise<void> {
    while (changed.size > 0 && !stopped.signal.aborted) {
      await sleep(gatherMs);
      const providerIds = [...changed];
      changed.clear();
      try {
        await recordMinerCounts(
          pool,
          providerIds.map((providerId) => countsOf(providerId, miners.get(providerId))),
        );
      } catch (error) {
        providerIds.forEach((providerId) => changed.add(providerId));
        logger.warn({ err: error, retryInMs: retryMs }, 'cannot record the counts of miners');
        await sleep(retryMs, undefined, { signal: stopped.signal }).catch(() => undefined);
      }
    }
    writing = undefined;
  }

  const reflector = new Reflector<V1Pod, Miner>({
    name: 'miners',
    kubeConfig: kubernetes.config,
    path: `/api/v1/namespaces/${miningNamespace}/pods`,
    query: { labelSelector: minerPodSelector },
    list: (page) =>
      kubernetes.core.listNamespacedPod({ namespace: miningNamespace, labelSelector: minerPodSelector, ...page }),
    see: (pod) => minerOf(pod, observeMiner(pod)),
    async onList(found) {
      const gone = await providersWithMiners(pool);
      miners.clear();
      for (const providerId of gone) changed.add(providerId);
      found.forEach(count);
      writeSoon();
    },
    onEvent(type, pod) {
      count(minerOf(pod, type === 'DELETED' ? undefined : observeMiner(pod)));
    },
    logger,
  });
  return {
    name: 'miners',
    reflector,
    async stop() {
      stopped.abort();
      await reflector.stop();
      await writing;
    },
  };
}

function countsOf(providerId: string, ofProvider: ReadonlyMap<string, MinerState> | undefined): MinerCounts {
  const counts = { providerId, running: 0, waiting: 0, failing: 0 };
  for (const state of ofProvider?.values() ?? []) counts[state]++;
  return counts;
}

function minerOf({ metadata }: V1Pod, state: MinerState | undefined): Miner {
  return { providerId: metadata?.labels?.[labels.providerId], uid: metadata?.uid, state };
}
