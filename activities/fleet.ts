import { WorkflowNotFoundError } from '@temporalio/client';
import { jobsHolding, jobsHoldingGpus } from '../src/db/allocations.js';
import { installationId } from '../src/db/installation.js';
import { markTokenDeleted, markTokenUsed, nodeOfToken, usedTokens } from '../src/db/join-tokens.js';
import { findOut } from '../src/db/provider-failures.js';
import { currentNode, keyOf, markNodeCertified } from '../src/db/provider-nodes.js';
import { findProvider } from '../src/db/provider-reads.js';
import { heldGpus } from '../src/db/provider-resources.js';
import { recordCapacity, recordNode, type ProviderAssessment } from '../src/db/providers.js';
import { takeRegistration } from '../src/db/registrations.js';
import { BrokerError } from '../src/domain/errors.js';
import { plainGpuResource } from '../src/domain/gpu-resources.js';
import { missingGpus } from '../src/domain/placement.js';
import { jobWorkflowId, type GapCause } from '../src/domain/job.js';
import type { Printable } from '../src/domain/outside.js';
import { whyNotServing, type ProviderFacts, type ProviderStatus } from '../src/domain/provider.js';
import { deleteBootstrapToken } from '../src/kubernetes/bootstrap-tokens.js';
import { unlessNotFound } from '../src/kubernetes/client.js';
import { decideNodeCertificate } from '../src/kubernetes/node-certificates.js';
import { countSystemPods, isOwnNode, markNode } from '../src/kubernetes/nodes.js';
import { awaySince, isUnheard, nodeAllocatable, observeNode } from '../src/kubernetes/observe.js';
import { heardOrLost } from '../src/redis/streams/heard-until.js';
import { sideBySide } from '../src/side-by-side.js';
import { isRefusedForGood } from '../src/temporal/refusals.js';
import { signalOnce } from '../src/temporal/signal-once.js';
import {
  signalNames,
  type CertificateRequested,
  type NodeObservation,
  type ProviderChange,
  type ProviderDrain,
} from '../workflows/messages.js';
import type { ActivityDeps } from './deps.js';

const signalsAtOnce = 20;
/** How long one job may take to be told: an activity has half a minute for all of them. */
const tellWithinMs = 5_000;
/** The relays are never up to date to the second; further behind than this, they may not have read who came back. */
const lagToleranceMs = 15_000;

/** What a provider was found to be. */
export interface ProviderFinding {
  facts: ProviderFacts;
  status: ProviderStatus;
  /** Why it takes no jobs, for people; '' when it does. */
  reason: string;
  /** Of its node, there or yet to come; absent in what versions up to 0.1.0 found. */
  nodeName?: string;
  /** Of its node, while it has one. */
  nodeUid?: string;
  /** What it lacks to serve the jobs it has; absent while it does. */
  absence?: GapCause;
  /** Whose GPUs are missing, by resource, where there are several. */
  missingGpus?: string[];
  /** Why its GPUs are not sold as they were registered; absent where they are. */
  gpusReason?: Printable;
  /** While it is away: since when it has been, RFC 3339. */
  awaySince?: string;
  cordoned: boolean;
  retiring: boolean;
  /** Out of placement until then, RFC 3339, for the starts that it failed; `reason` is the last of them. */
  out?: { until: string; reason?: string };
  /** Why the node that bears its name is not taken as its own. */
  refused?: string;
}

type Deps = Pick<ActivityDeps, 'config' | 'pool' | 'redis' | 'kubernetes' | 'temporal' | 'logger'>;

/** What the broker does about a provider once it has a join command: its node, its status, its jobs. */
export function createFleetActivities({ config, pool, redis, kubernetes, temporal, logger }: Deps) {
  return {
    /**
     * Approves or denies a certificate request that was made with this provider's token, or by its node for its own
     * renewal: it may name its own node only.
     */
    async approveNodeCertificate({
      providerId,
      name,
      tokenId,
      leaving,
    }: CertificateRequested & { providerId: string; leaving: boolean }): Promise<{
      approved: boolean;
      reason: string;
    }> {
      const token = tokenId === undefined ? undefined : { tokenId, ...(await nodeOfToken(pool, tokenId)) };
      const node = await currentNode(pool, providerId);
      const key = await keyOf(pool, providerId);
      const decision = await decideNodeCertificate(
        kubernetes,
        {
          ...{ name, leaving },
          ...(token === undefined ? {} : { token }),
          ...(node === undefined ? {} : { node }),
          ...(key === undefined ? {} : { key }),
        },
        (nodeName) => markNodeCertified(pool, nodeName),
      );
      if (decision.approved && tokenId !== undefined) await markTokenUsed(pool, tokenId);
      return decision;
    },

    /**
     * Finds out what a provider is now, by its row and by its node, and makes the two agree: the row gets what the
     * cluster counts and the status that follows, the node its labels and taints. Join tokens that have done their work
     * are withdrawn. Nothing that anybody said decides here, and nothing depends on the order in which news came.
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
      // A machine of which neither kubelet nor agent is heard was gone when the first of them fell silent.
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

    /** Looks at a node: the slow way to learn what the watcher tells at once. */
    async inspectNode({ nodeName }: { nodeName: string }): Promise<NodeObservation> {
      const node = await unlessNotFound(kubernetes.core.readNode({ name: nodeName }));
      return node === undefined
        ? { nodeName, uid: '', resourceVersion: '', state: 'gone', gpus: 0 }
        : observeNode(node);
    },

    /** Takes over new figures of what the provider offers; never beyond what the cluster counts. */
    async updateCapacity({ providerId, messageId }: { providerId: string; messageId: string }): Promise<void> {
      const stored = await takeRegistration(pool, messageId);
      if (stored === undefined) return;
      await recordCapacity(pool, providerId, stored.registration, stored.receivedAt, config);
    },

    /**
     * Tells the jobs that hold something of a provider that it went away or came back; with `newNode` only those that
     * are on another node, which is gone for good. With `missingGpus` it has gone for those that hold GPUs of these
     * resources, and is there for all others.
     */
    async tellJobs({
      newNode,
      missingGpus: resources,
      ...change
    }: ProviderChange & { providerId: string; newNode?: string; missingGpus?: string[] }): Promise<number> {
      const { providerId, at } = change;
      const jobs = await jobsHolding(pool, providerId, newNode);
      const tell = (jobIds: string[], news: ProviderChange) =>
        signalJobs(jobIds, providerId, signalNames.providerChanged, news);
      if (resources === undefined) return await tell(jobs, change);
      const concerned = new Set(await jobsHoldingGpus(pool, providerId, resources));
      const others = jobs.filter((jobId) => !concerned.has(jobId));
      return (await tell([...concerned], change)) + (await tell(others, { providerId, online: true, at }));
    },

    /** Tells the same jobs until when they may stay. */
    async tellJobsOfDrain(drain: ProviderDrain & { providerId: string }): Promise<number> {
      const { providerId } = drain;
      return await signalJobs(await jobsHolding(pool, providerId), providerId, signalNames.providerDraining, drain);
    },

    /**
     * What became of a provider that a job was told is away, by what can be seen at this moment. A broker that was away
     * itself has a timer that ran out and news it has not read: while the beats of the last moments lie unread, nobody
     * is lost for want of them.
     *
     * @returns `back` when its workflow knows it to be in service, and would tell the job of its next loss.
     */
    async checkLoss({
      providerId,
      nodeName,
      needsGpus = false,
      gpuResource = plainGpuResource,
    }: ProviderAndNode & { needsGpus?: boolean; gpuResource?: string }): Promise<'lost' | 'back' | 'unclear'> {
      const provider = await findProvider(pool, providerId);
      const node = await unlessNotFound(kubernetes.core.readNode({ name: nodeName }));
      if (provider === undefined || node === undefined || observeNode(node).state !== 'ready') return 'lost';
      // Nobody can say whose GPU is the missing one.
      if (
        needsGpus &&
        missingGpus(await heldGpus(pool, providerId), nodeAllocatable(node)).missing.includes(gpuResource)
      ) {
        return 'lost';
      }
      if (provider.status !== 'offline') return 'back';
      const heard = await heardOrLost({ redis, pool }, config.HEARTBEAT_TIMEOUT_S);
      if (heard === undefined || heard.now.getTime() - heard.until.getTime() > lagToleranceMs) return 'unclear';
      const lastMs = provider.lastHeartbeat?.getTime() ?? 0;
      const isSilent = !provider.heartbeatAlive && lastMs <= heard.now.getTime() - config.HEARTBEAT_TIMEOUT_S * 1000;
      return isSilent ? 'lost' : 'unclear';
    },
  };

  async function withdrawTokens(providerId: string): Promise<void> {
    for (const tokenId of await usedTokens(pool, providerId)) {
      await deleteBootstrapToken(kubernetes, tokenId);
      await markTokenDeleted(pool, tokenId);
    }
  }

  /**
   * A job is found by what it holds: whoever got capacity before the row was closed to others is among them. One that
   * cannot be told keeps none of the others from hearing; all of them are told once more then.
   */
  async function signalJobs(jobIds: string[], providerId: string, signal: string, payload: object): Promise<number> {
    // Of the same news, however often it has to be sent, a job's history holds one.
    const requestId = `${signal} ${providerId} ${JSON.stringify(payload)}`;
    const failed = await sideBySide(jobIds, signalsAtOnce, async (jobId) => {
      const workflowId = jobWorkflowId(jobId);
      try {
        await temporal.withDeadline(Date.now() + tellWithinMs, () =>
          signalOnce(temporal, { workflowId, name: signal, payload, requestId }),
        );
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) logger.warn({ jobId, providerId }, 'a live job without a workflow');
        // It would be refused for ever, and the provider would do nothing else any more.
        else if (isRefusedForGood(error)) logger.error({ err: error, jobId, providerId }, 'a job cannot be told');
        else throw error;
      }
    });
    if (failed.length > 0) {
      const detail = `${failed.length} of ${jobIds.length} jobs could not be told`;
      throw new BrokerError('dependency_unavailable', detail, {}, { cause: failed[0]!.error });
    }
    return jobIds.length;
  }
}

function absenceOf(
  status: ProviderStatus,
  { facts, gpusMissing, missingGpus }: Pick<ProviderAssessment, 'facts' | 'gpusMissing' | 'missingGpus'>,
): Pick<ProviderFinding, 'absence' | 'missingGpus'> {
  if (status === 'offline') return { absence: facts.nodeReady ? 'silent' : 'node_not_ready' };
  return gpusMissing ? { absence: 'gpu_lost', ...(missingGpus === undefined ? {} : { missingGpus }) } : {};
}

interface ProviderAndNode {
  providerId: string;
  nodeName: string;
}

const noCapacity = { gpus: 0, cpuCores: 0, memoryMb: 0, storageGb: 0, pods: 0, systemPods: 0 };

function earliest(...times: (Date | undefined)[]): Date {
  return new Date(Math.min(...times.flatMap((time) => (time === undefined ? [] : [time.getTime()]))));
}
