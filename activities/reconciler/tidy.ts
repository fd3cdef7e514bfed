import { Context } from '@temporalio/activity';
import { pruneDelegations } from '../../src/db/provider-identities.js';
import { pruneRegistrations } from '../../src/db/registrations.js';
import { retireToken, uselessTokens } from '../../src/db/tidy.js';
import { deleteBootstrapToken } from '../../src/kubernetes/bootstrap-tokens.js';
import type { ActivityDeps } from '../deps.js';
import { repairLog } from './repairs.js';

/** What one run removes; the next one finds the rest. */
const tokensPerRun = 200;
/** Longer than any registration may still be answered anew, and long enough to look at one that went wrong. */
const registrationsKeptMs = 7 * 86_400_000;
/** Past its end a delegation is refused for that; its nonce is kept for as long as clocks may differ at the very most. */
const delegationsKeptMs = 86_400_000;

/** What has done its work and would only pile up. Removing it is routine, not repair. */
export function createTidyActivities({
  pool,
  kubernetes,
  logger,
}: Pick<ActivityDeps, 'pool' | 'kubernetes' | 'logger'>) {
  return {
    /** Deletes join tokens that are of no use any more, registrations that were read long ago, and what expired of delegations. */
    async tidy(): Promise<{ joinTokens: number; registrations: number; delegations: number; failures: string[] }> {
      const context = Context.current();
      const log = repairLog(logger, () => context.heartbeat());
      let joinTokens = 0;
      await log.each(
        await uselessTokens(pool, tokensPerRun),
        (tokenId) => `join token ${tokenId}`,
        async (tokenId) => {
          if (await retireToken(pool, tokenId, () => deleteBootstrapToken(kubernetes, tokenId))) joinTokens++;
        },
      );
      const registrations = await pruneRegistrations(pool, new Date(Date.now() - registrationsKeptMs));
      const delegations = await pruneDelegations(pool, new Date(Date.now() - delegationsKeptMs));
      return { joinTokens, registrations, delegations, failures: log.failures };
    },
  };
}
