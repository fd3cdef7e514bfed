import { installationId } from '../src/db/installation.js';
import { markTokenDeleted, usedTokens } from '../src/db/join-tokens.js';
import { findOut } from '../src/db/provider-failures.js';
import { currentNode } from '../src/db/provider-nodes.js';
import { recordCapacity, recordNode, type ProviderAssessment } from '../src/db/providers.js';
import { takeRegistration } from '../src/db/registrations.js';
import type { GapCause } from '../src/domain/job.js';
import type { Printable } from '../src/domain/outside.js';
import { whyNotServing, type ProviderFacts } from '../src/domain/provider.js';
import { deleteBootstrapToken } from '../src/kubernetes/bootstrap-tokens.js';
import { unlessNotFound } from '../src/kubernetes/client.js';
import { countSystemPods, isOwnNode, markNode } from '../src/kubernetes/nodes.js';
import {
  awaySince,
  goneNode,
  isUnheard,
  nodeAllocatable,
  observeNode,
  type NodeObservation,
} from '../src/kubernetes/observe.js';
import type { ActivityDeps } from './deps.js';
import type { ProviderStatus } from '../src/wire/statuses.js';

/** The result of an assessment. */
export interface ProviderFinding {
  facts: ProviderFacts;
  status: ProviderStatus;
  /** Why it takes no jobs, for people; '' if it does. */
  reason: string;
  /** The name of its node, existing or expected; absent in what versions up to 0.1.0 found. */
  nodeName?: string;
  /** The uid of its node, while it has one. */
  nodeUid?: string;
  /** What it lacks to serve its jobs; absent while it lacks nothing. */
  absence?: GapCause;
  /** Which GPU resources are missing, if it has several. */
  missingGpus?: string[];
  /** Why its GPUs are not offered as registered; absent if they are. */
  gpusReason?: Printable;
  /** While it is away: since when, RFC 3339. */
  awaySince?: string;
  cordoned: boolean;
  retiring: boolean;
  /** Out of placement until then, RFC 3339, because of failed starts; `reason` is that of the last one. */
  out?: { until: string; reason?: string };
  /** Why the node under its name is not accepted as its own. */
  refused?: string;
}

type Deps = Pick<ActivityDeps, 'config' | 'pool' | 'kubernetes' | 'logger'>;

/** Compares a provider's row with its node and makes the two agree. */
export function createProviderAssessmentActivities({ config, pool, kubernetes, logger }: Deps) {
  return {
    /**
     * Finds out what a provider is now from its row and its node, and makes the two agree: the row gets what the
     * cluster counts and the status that follows, the node its labels and taints. Join tokens that have done their work
     * are withdrawn. No message decides anything here, and nothing depends on the order of messages.
     *
     * @returns undefined for a provider that is not part of the fleet.
     */
    async assessProvider({ providerId }: { providerId: string }): Promise<ProviderFinding | undefined> {
      const known = await currentNode(pool, providerId);
      const found = known && (await unlessNotFound(kubernetes.core.readNode({ name: known.nodeName })));
      const node = found !== undefined && isOwnNode(found, known!) ? found : undefined;
      const observed = node && observeNode(node);
      const assessed = await recordNode(
        pool,
        providerId,
        {
          nodeName: known?.nodeName ?? null,
          nodeUid: observed?.uid ?? null,
          ready: observed?.state === 'ready',
          allocatable:
            node === undefined
              ? noCapacity
              : {
                  ...nodeAllocatable(node, config.JOB_RUNTIME_CLASS),
                  systemPods: await countSystemPods(kubernetes, known!.nodeName),
                },
        },
        config,
      );
      if (assessed === undefined) return undefined;
      const { facts, status, joined, cordoned, retiring, lastHeartbeat, nodeReadyAt, gpuModel, gpusReason } = assessed;
      if (assessed.gpusReasonIsNew && gpusReason !== '') {
        logger.warn({ providerId, reason: gpusReason }, 'GPUs of a provider are not rented out as it registered them');
      }
      if (node !== undefined) {
        await markNode(kubernetes, node, {
          providerId,
          installation: await installationId(pool),
          status,
          cordoned,
          ...(gpuModel === undefined ? {} : { gpuModel }),
        });
      }
      if (facts.nodeReady) await withdrawTokens(providerId);
      // If neither kubelet nor agent is heard, the machine was gone when the first of them fell silent.
      const silentSince = facts.heartbeatAlive && !isUnheard(node) ? undefined : lastHeartbeat;
      const out = await findOut(pool, providerId);
      const away = status === 'offline' ? earliest(silentSince, awaySince(node, nodeReadyAt), new Date()) : undefined;
      return {
        facts,
        status,
        reason: joined ? whyNotServing(facts, gpusReason) : 'its node has not joined yet',
        ...(gpusReason === '' ? {} : { gpusReason }),
        cordoned,
        retiring,
        ...(observed === undefined ? {} : { nodeUid: observed.uid }),
        ...absenceOf(status, assessed),
        ...(away === undefined ? {} : { awaySince: away.toISOString() }),
        ...(out === undefined ? {} : { out: { ...out, until: out.until.toISOString() } }),
        ...(known === undefined ? {} : { nodeName: known.nodeName }),
        ...(found !== node ? { refused: `node ${known!.nodeName} is not its own` } : {}),
      };
    },

    /** Reads a node: the slow way to learn what the watcher reports at once. */
    async inspectNode({ nodeName }: { nodeName: string }): Promise<NodeObservation> {
      const node = await unlessNotFound(kubernetes.core.readNode({ name: nodeName }));
      return node === undefined ? goneNode(nodeName, '') : observeNode(node);
    },

    /** Records new figures of what the provider offers, limited to what the cluster counts. */
    async updateCapacity({ providerId, messageId }: { providerId: string; messageId: string }): Promise<void> {
      const stored = await takeRegistration(pool, messageId);
      if (stored === undefined) return;
      await recordCapacity(pool, providerId, stored.registration, stored.receivedAt, config);
    },
  };

  async function withdrawTokens(providerId: string): Promise<void> {
    for (const tokenId of await usedTokens(pool, providerId)) {
      await deleteBootstrapToken(kubernetes, tokenId);
      await markTokenDeleted(pool, tokenId);
    }
  }
}

function absenceOf(
  status: ProviderStatus,
  { facts, gpusMissing, missingGpus }: Pick<ProviderAssessment, 'facts' | 'gpusMissing' | 'missingGpus'>,
): Pick<ProviderFinding, 'absence' | 'missingGpus'> {
  if (status === 'offline') return { absence: facts.nodeReady ? 'silent' : 'node_not_ready' };
  return gpusMissing ? { absence: 'gpu_lost', ...(missingGpus === undefined ? {} : { missingGpus }) } : {};
}

const noCapacity = { gpus: 0, cpuCores: 0, memoryMb: 0, storageGb: 0, pods: 0, systemPods: 0 };

function earliest(...times: (Date | undefined)[]): Date {
  return new Date(Math.min(...times.flatMap((time) => (time === undefined ? [] : [time.getTime()]))));
}
