import { jobsHolding } from '../src/db/allocations.js';
import { markTokenDeleted, tokensToRevoke } from '../src/db/join-tokens.js';
import { leaveNode } from '../src/db/provider-nodes.js';
import { cordon, drain, retire, uncordon } from '../src/db/provider-operations.js';
import { deleteBootstrapToken } from '../src/kubernetes/bootstrap-tokens.js';
import { withdrawReplies } from '../src/redis/join-answers/join-answers.js';
import { closeNodes } from './close-nodes.js';
import type { ActivityDeps } from './deps.js';

/** What an operator or the owner orders about a provider. */
export interface ProviderCommand {
  action: 'cordon' | 'uncordon' | 'drain' | 'retire';
  /** With `drain` and `retire`, RFC 3339: when the last of its jobs ends; without, each at its own expiry. */
  until?: string;
}

/** Orders about providers, written down where placement sees them; and the last of them, carried out. */
export function createProviderOperationActivities({
  pool,
  redis,
  kubernetes,
  logger,
}: Pick<ActivityDeps, 'pool' | 'redis' | 'kubernetes' | 'logger'>) {
  return {
    /** From here on nothing is placed there, or may be again: whoever got capacity before has it in the ledger. */
    async recordOrder({ providerId, order }: { providerId: string; order: ProviderCommand }): Promise<void> {
      if (order.action === 'cordon') await cordon(pool, providerId);
      else if (order.action === 'uncordon') await uncordon(pool, providerId);
      else {
        const until = order.until === undefined ? undefined : new Date(order.until);
        await drain(pool, providerId, { until, retire: order.action === 'retire' });
      }
    },

    /**
     * Takes a provider out of the fleet once it has no jobs: its tokens and what it was answered first, so that it cannot
     * come in by them while it goes, then its node, then its row: it is retired when all is done, and cordoned till then.
     *
     * @returns how many jobs it still has; with any, nothing was done.
     */
    async retireProvider({ providerId }: { providerId: string }): Promise<{ jobs: number }> {
      const jobs = (await jobsHolding(pool, providerId)).length;
      if (jobs > 0) return { jobs };
      for (const tokenId of await tokensToRevoke(pool, providerId)) {
        await deleteBootstrapToken(kubernetes, tokenId);
        await markTokenDeleted(pool, tokenId);
      }
      await withdrawReplies(redis, providerId);
      await leaveNode(pool, providerId);
      await closeNodes({ pool, kubernetes, logger }, providerId);
      return { jobs: await retire(pool, providerId) };
    },
  };
}
