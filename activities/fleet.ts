import { WorkflowNotFoundError } from '@temporalio/client';
import { jobsHolding } from '../src/db/allocations.js';
import { markTokenDeleted, tokensToRevoke } from '../src/db/join-tokens.js';
import { findProvider } from '../src/db/provider-reads.js';
import { recordCapacity, recordNode, setProviderStatus } from '../src/db/providers.js';
import { loadRegistration } from '../src/db/registrations.js';
import { jobWorkflowId } from '../src/domain/job.js';
import type { ProviderFacts, ProviderStatus } from '../src/domain/provider.js';
import { deleteBootstrapToken } from '../src/kubernetes/bootstrap-tokens.js';
import { decideNodeCertificate } from '../src/kubernetes/node-certificates.js';
import { unlessNotFound } from '../src/kubernetes/client.js';
import { markNode, nodeOwner } from '../src/kubernetes/nodes.js';
import { nodeAllocatable, observeNode } from '../src/kubernetes/observe.js';
import { signalNames, type CertificateRequested, type NodeObservation } from '../workflows/messages.js';
import type { ActivityDeps } from './index.js';

const signalsAtOnce = 20;

/** What the broker does about a provider once it has a join command: its node, its status, its jobs. */
export function createFleetActivities({ pool, kubernetes, temporal, logger }: Pick<ActivityDeps, 'pool' | 'kubernetes' | 'temporal' | 'logger'>) {
  return {
    /** Approves or denies a certificate request made with this provider's token: it may name its own node only. */
    async approveNodeCertificate(
      input: CertificateRequested & { providerId: string; nodeName: string },
    ): Promise<{ approved: boolean; reason: string }> {
      return await decideNodeCertificate(kubernetes, input);
    },

    /**
     * Takes a node that is there as the provider's: labels and taints it, records what the cluster counts on it, and
     * withdraws the join tokens that have done their work. Nothing the provider said decides which node this is.
     */
    async adoptNode(input: {
      providerId: string;
      nodeName: string;
      observation: NodeObservation;
    }): Promise<{ facts: ProviderFacts; refused?: string }> {
      const { providerId, nodeName } = input;
      const provider = await findProvider(pool, providerId);
      const nothing: ProviderFacts = { nodeReady: false, heartbeatAlive: false, gpusReady: false };
      if (provider === undefined) return { facts: nothing, refused: 'the provider is not registered' };
      // The observation says that something changed; what it is now, the cluster says.
      const node = await unlessNotFound(kubernetes.core.readNode({ name: nodeName }));
      if (node === undefined) {
        await recordNode(pool, providerId, { nodeName, nodeUid: null, ready: false, allocatable: noCapacity });
        return { facts: { ...nothing, heartbeatAlive: provider.heartbeatAlive } };
      }
      const owner = nodeOwner(node);
      if (owner !== undefined && owner !== providerId) return { facts: nothing, refused: `node ${nodeName} is not its own` };
      const { state, gpus, uid } = observeNode(node);
      const facts: ProviderFacts = {
        nodeReady: state === 'ready',
        heartbeatAlive: provider.heartbeatAlive,
        gpusReady: gpus > 0 || provider.offeredGpus === 0,
      };
      const serves = facts.nodeReady && facts.heartbeatAlive;
      await markNode(kubernetes, node, {
        providerId,
        status: serves ? 'available' : 'offline',
        ...(provider.gpuModel === undefined ? {} : { gpuModel: provider.gpuModel }),
      });
      await recordNode(pool, providerId, {
        nodeName,
        nodeUid: uid,
        ready: facts.nodeReady,
        allocatable: nodeAllocatable(node),
      });
      if (facts.nodeReady) {
        for (const tokenId of await tokensToRevoke(pool, providerId)) {
          await deleteBootstrapToken(kubernetes, tokenId);
          await markTokenDeleted(pool, tokenId);
        }
      }
      return { facts };
    },

    /** Looks at a node: the slow way to learn what the watcher tells at once. */
    async inspectNode({ nodeName }: { nodeName: string }): Promise<NodeObservation> {
      const node = await unlessNotFound(kubernetes.core.readNode({ name: nodeName }));
      return node === undefined
        ? { nodeName, uid: '', resourceVersion: '', state: 'gone', gpus: 0 }
        : observeNode(node);
    },

    /** Writes a provider's status where customers read it, and on its node. */
    async setProviderStatus(input: {
      providerId: string;
      nodeName: string;
      status: ProviderStatus;
      reason: string;
    }): Promise<void> {
      const { providerId, nodeName, status, reason } = input;
      await setProviderStatus(pool, providerId, status, reason);
      const node = await unlessNotFound(kubernetes.core.readNode({ name: nodeName }));
      if (node === undefined || nodeOwner(node) !== providerId) return;
      await markNode(kubernetes, node, { providerId, status: status === 'available' ? 'available' : 'offline' });
    },

    /** Takes over new figures of what the provider offers; never beyond what the cluster counts. */
    async updateCapacity({ providerId, messageId }: { providerId: string; messageId: string }): Promise<void> {
      const stored = await loadRegistration(pool, messageId);
      if (stored === undefined) return;
      await recordCapacity(pool, providerId, stored.registration);
    },

    /** Tells the running jobs of a provider that it went away or came back. */
    async tellJobs({ providerId, online, at }: { providerId: string; online: boolean; at: string }): Promise<number> {
      const jobIds = await jobsHolding(pool, providerId);
      for (let start = 0; start < jobIds.length; start += signalsAtOnce) {
        await Promise.all(
          jobIds.slice(start, start + signalsAtOnce).map(async (jobId) => {
            try {
              await temporal.workflow.getHandle(jobWorkflowId(jobId)).signal(signalNames.providerChanged, { online, at });
            } catch (error) {
              if (!(error instanceof WorkflowNotFoundError)) throw error;
              logger.warn({ jobId, providerId }, 'a live job without a workflow');
            }
          }),
        );
      }
      return jobIds.length;
    },
  };
}

const noCapacity = { gpus: 0, cpuCores: 0, memoryMb: 0, storageGb: 0 };
