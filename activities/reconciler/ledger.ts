import { Context } from '@temporalio/activity';
import { release } from '../../src/db/allocations.js';
import { correctRented, differingProviders, leakedAllocations } from '../../src/db/reconcile-ledger.js';
import type { ActivityDeps } from '../deps.js';
import { comparisonOf, repairLog, type Comparison } from './repairs.js';

/** Compares allocations with jobs, and counters with allocations: Postgres only. */
export function createLedgerComparison({ pool, logger }: Pick<ActivityDeps, 'pool' | 'logger'>) {
  return {
    /** Releases what ended jobs still hold, and sets the counters to what is held. */
    async compareLedger(): Promise<Comparison> {
      const context = Context.current();
      const log = repairLog(logger, () => context.heartbeat());
      await log.each(
        await leakedAllocations(pool),
        (jobId) => `allocation of job ${jobId}`,
        async (jobId) => {
          await release(pool, jobId);
          log.repaired('allocation_leaked', { jobId });
        },
      );
      await log.each(
        await differingProviders(pool),
        (providerId) => `counters of provider ${providerId}`,
        async (providerId) => {
          for (const difference of await correctRented(pool, providerId))
            log.repaired('rented_differs', { ...difference });
        },
      );
      return comparisonOf(log);
    },
  };
}
