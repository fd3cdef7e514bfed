import { findProvider } from '../src/db/provider-reads.js';
import { heldGpus } from '../src/db/provider-resources.js';
import { plainGpuResource } from '../src/domain/gpu-resources.js';
import { missingGpus } from '../src/domain/placement.js';
import { unlessNotFound } from '../src/kubernetes/client.js';
import { nodeAllocatable, observeNode } from '../src/kubernetes/observe.js';
import type { ActivityDeps } from './deps.js';
import { heardOrLost } from './heard-or-lost.js';

/**
 * The relays are never up to date to the second; if they are further behind than this, a heartbeat may still be unread.
 */
const lagToleranceMs = 15_000;

/** The final check before a job is lost with its provider. */
export function createProviderLossActivities({
  config,
  pool,
  redis,
  kubernetes,
}: Pick<ActivityDeps, 'config' | 'pool' | 'redis' | 'kubernetes'>) {
  return {
    /**
     * Checks, by the state of this moment, what became of a provider that a job was told is away. After an outage of
     * the broker itself, the job's timer has run out and messages are unread: while the latest heartbeats are unread,
     * no provider is lost because one is missing.
     *
     * @returns `back` if the provider's workflow knows that it is in service, and would tell the job of its next loss.
     */
    async checkLoss({
      providerId,
      nodeName,
      needsGpus = false,
      gpuResource = plainGpuResource,
    }: {
      providerId: string;
      nodeName: string;
      needsGpus?: boolean;
      gpuResource?: string;
    }): Promise<'lost' | 'back' | 'unclear'> {
      const provider = await findProvider(pool, providerId);
      const node = await unlessNotFound(kubernetes.core.readNode({ name: nodeName }));
      if (provider === undefined || node === undefined || observeNode(node).state !== 'ready') return 'lost';
      // It is unknown which job's GPU is missing.
      if (needsGpus) {
        const held = (await heldGpus(pool, [providerId])).get(providerId) ?? [];
        if (missingGpus(held, nodeAllocatable(node)).missing.includes(gpuResource)) return 'lost';
      }
      if (provider.status !== 'offline') return 'back';
      const heard = await heardOrLost({ redis, pool }, config.HEARTBEAT_TIMEOUT_S);
      if (heard === undefined || heard.now.getTime() - heard.until.getTime() > lagToleranceMs) return 'unclear';
      const lastMs = provider.lastHeartbeat?.getTime() ?? 0;
      const isSilent = !provider.heartbeatAlive && lastMs <= heard.now.getTime() - config.HEARTBEAT_TIMEOUT_S * 1000;
      return isSilent ? 'lost' : 'unclear';
    },
  };
}
