import { Context } from '@temporalio/activity';
import { writeReceipt, type ReceiptSite } from '../../src/billing/receipts.js';
import { settleSpend } from '../../src/billing/spend.js';
import { claimableProviders, claimEarnings } from '../../src/db/claims.js';
import { recordBilled } from '../../src/db/job-changes.js';
import { unsettledEndedJobs } from '../../src/db/money-invariants.js';
import { withTransaction } from '../../src/db/pool.js';
import type { ActivityDeps } from '../deps.js';
import { bookTheRest } from './money-catch-up.js';
import { compareByInvariants, comparisonLimits } from './money-comparison.js';
import { comparisonOf, repairLog, type Comparison, type RepairLog } from './repairs.js';

const claimsPerRun = 200;
const repairsPerRun = 200;
/** From the beginning of a run: what is to be settled and claimed later waits for the next one, and comparisons do not. */
const repairsWithinMs = 40_000;

/** What one run found, and how many jobs it booked that a version without the ledger had charged. */
interface MoneyComparison extends Comparison {
  booked: number;
}

/** Compares what the ledger, charges, sessions and jobs say about the same money: Postgres only. */
export function createMoneyComparison(
  { pool, logger, config }: Pick<ActivityDeps, 'pool' | 'logger'> & { config: ReceiptSite },
  limits = comparisonLimits,
) {
  return {
    /**
     * Books what is not booked yet, settles ended jobs that were not, and compares. Everything else that differs is left
     * to a person: no program can know which of two figures is right.
     */
    async compareMoney(): Promise<MoneyComparison> {
      const context = Context.current();
      const beganMs = Date.now();
      const log = repairLog(logger, () => context.heartbeat());
      let booked = 0;
      const steps: [string, () => Promise<void>][] = [
        ['bookings', async () => void (booked = await bookTheRest(pool, logger, log))],
        ['settlements', () => settleTheEnded(log, beganMs + repairsWithinMs)],
        ['claims', () => payOutClaims(log, beganMs + repairsWithinMs)],
        ['comparison of money', () => compareByInvariants({ pool, logger, log, limits, beganMs })],
      ];
      // One that fails holds up none of the others.
      for (const step of steps) {
        await log.each(
          [step],
          ([what]) => what,
          ([, work]) => work(),
        );
      }
      return { ...comparisonOf(log), booked };
    },
  };

  async function settleTheEnded(log: RepairLog, untilMs: number): Promise<void> {
    await log.each(
      await unsettledEndedJobs(pool, repairsPerRun),
      ({ jobId }) => `settlement of job ${jobId}`,
      async ({ jobId, endedAt }) => {
        if (Date.now() >= untilMs) return;
        const settled = await withTransaction(pool, async (tx) => {
          const settlement = await settleSpend(tx, { jobId, endAt: endedAt });
          if (settlement !== undefined) {
            await writeReceipt(tx, { jobId, settled: settlement }, config);
            await recordBilled(tx, jobId, settlement.billed);
          }
          return settlement;
        });
        if (settled !== undefined) log.repaired('job_not_settled', { jobId, charged: settled.charged.toString() });
      },
    );
  }

  /** A machine may sign for the first time after its owner has; its message does not wait for this. */
  async function payOutClaims(log: RepairLog, untilMs: number): Promise<void> {
    await log.each(
      await claimableProviders(pool, claimsPerRun),
      (providerId) => `earnings of provider ${providerId}`,
      async (providerId) => {
        if (Date.now() < untilMs) await withTransaction(pool, (tx) => claimEarnings(tx, providerId));
      },
    );
  }
}
