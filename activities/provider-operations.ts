import { jobsHolding } from '../src/db/allocations.js';
import { isBeingAnswered } from '../src/db/answer-desk.js';
import { markTokenDeleted, tokensToRevoke } from '../src/db/join-tokens.js';
import { leaveNode } from '../src/db/provider-nodes.js';
import { cordon, drain, retire, uncordon } from '../src/db/provider-operations.js';
import { BrokerError } from '../src/domain/errors.js';
import { deleteBootstrapToken } from '../src/kubernetes/bootstrap-tokens.js';
import { withdrawReplies } from '../src/redis/join-answers/join-answers.js';
import type { ProviderAction } from '../src/domain/provider.js';
import { closeNodes } from './close-nodes.js';
import type { ActivityDeps } from './deps.js';

/** A command as it is recorded: who gave it stands in the history. */
export interface RecordedCommand {
  action: ProviderAction;
  /** With `drain` and `retire`: when the last of its jobs ends, RFC 3339; if absent, each ends at its own expiry. */
  until?: string;
}

/** Records operator commands where placement sees them, and carries out the retirement. */
export function createProviderOperationActivities({
  pool,
  redis,
  kubernetes,
  logger,
}: Pick<ActivityDeps, 'pool' | 'redis' | 'kubernetes' | 'logger'>) {
  return {
    /** From here on nothing is placed there, or may be again: a job that got capacity before has it in the ledger. */
    async recordOrder({ providerId, order }: { providerId: string; order: RecordedCommand }): Promise<void> {
      if (order.action === 'cordon') await cordon(pool, providerId);
      else if (order.action === 'uncordon') await uncordon(pool, providerId);
      else {
        const until = order.until === undefined ? undefined : new Date(order.until);
        await drain(pool, providerId, { until, retire: order.action === 'retire' });
      }
    },

    /**
     * Takes a provider out of the fleet once it has no jobs. First its tokens and answers, so that it cannot join again
     * meanwhile, then its node, then its row: the row says cordoned until all is done, and then retired.
     *
     * @returns how many jobs it still has; if there are any, nothing was done.
     */
    async retireProvider({ providerId }: { providerId: string }): Promise<{ jobs: number }> {
      const jobs = (await jobsHolding(pool, providerId)).length;
      if (jobs > 0) return { jobs };
      // Its token would be left behind. No other registration is begun to be answered any more.
      if (await isBeingAnswered(pool, providerId))
        throw new BrokerError('dependency_unavailable', 'a registration of the provider is just being answered');
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
