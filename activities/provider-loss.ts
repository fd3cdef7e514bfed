import { findProvider } from '../src/db/provider-reads.js';
import { heldGpus } from '../src/db/provider-resources.js';
import { plainGpuResource } from '../src/domain/gpu-resources.js';
import { missingGpus } from '../src/domain/placement.js';
import { unlessNotFound } from '../src/kubernetes/client.js';
import { nodeAllocatable, observeNode } from '../src/kubernetes/observe.js';
import type { ActivityDeps } from './deps.js';
import { heardOrLost } from './heard-or-lost.js';

/** The relays are never up to date to the second; further behind than this, they may not have read who came back. */
const lagToleranceMs = 15_000;

/** The last word before a job is lost with its provider. */
export function createProviderLossActivities({
  config,
  pool,
  redis,
  kubernetes,
}: Pick<ActivityDeps, 'config' | 'pool' | 'redis' | 'kubernetes'>) {
  return {
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
    }: {
      providerId: string;
      nodeName: string;
      needsGpus?: boolean;
      gpuResource?: string;
    }): Promise<'lost' | 'back' | 'unclear'> {
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
}
