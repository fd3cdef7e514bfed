import { Context } from '@temporalio/activity';
import { writeReceipt, type ReceiptSite } from '../../src/billing/receipts.js';
import { settleSpend } from '../../src/billing/spend.js';
import { claimableProviders, claimEarnings } from '../../src/db/claims.js';
import { recordBilled } from '../../src/db/job-changes.js';
import { readLedgerChecks, recordLedgerChecks, type LedgerChecks } from '../../src/db/ledger-checks.js';
import {
  differingMoney,
  moneyInvariants,
  moneyInvariantSays,
  unsettledEndedJobs,
} from '../../src/db/money-invariants.js';
import { withTransaction } from '../../src/db/pool.js';
import { bookCharges, countUnbooked, unbookedJobs } from '../../src/db/unbooked.js';
import { ledgerUnbooked, moneyDiffers } from '../../src/observability/metrics.js';
import type { ActivityDeps } from '../deps.js';
import { comparisonOf, repairLog, type Comparison, type RepairLog } from './repairs.js';

/** How long one run books what older versions left: the rest of the minute is for everything else. */
const bookingMs = 15_000;
const jobsAtOnce = 200;
const claimsPerRun = 200;
const repairsPerRun = 200;
/** How often everything is compared, and how often while something differs. */
const fullEveryMs = 3_600_000;
const fullWhileDifferingMs = 600_000;
/** Counting further costs more than it tells. */
const countedUnbooked = 1_000_000;

/** What one run found, and how many jobs it booked that a version without the ledger had charged. */
export interface MoneyComparison extends Comparison {
  booked: number;
}

/** Compares what the ledger, charges, sessions and jobs say about the same money: Postgres only. */
export function createMoneyComparison({
  pool,
  logger,
  config,
}: Pick<ActivityDeps, 'pool' | 'logger'> & { config: ReceiptSite }) {
  return {
    /**
     * Books what is not booked yet, settles ended jobs that were not, and compares. Everything else that differs is left
     * to a person: no program can know which of two figures is right.
     */
    async compareMoney(): Promise<MoneyComparison> {
      const context = Context.current();
      const log = repairLog(logger, () => context.heartbeat());
      const booked = await bookTheRest(log);
      await settleTheEnded(log);
      await payOutClaims(log);
      await log.each(
        [log],
        () => 'comparison of money',
        (its) => compare(its),
      );
      return { ...comparisonOf(log), booked };
    },
  };

  /** Routine after an upgrade, and no repair. One job after the other, so that orders never wait for long. */
  async function bookTheRest(log: RepairLog): Promise<number> {
    const untilMs = Date.now() + bookingMs;
    const failed = new Set<string>();
    let booked = 0;
    while (Date.now() < untilMs) {
      const jobs = (await unbookedJobs(pool, jobsAtOnce)).filter((jobId) => !failed.has(jobId));
      if (jobs.length === 0) break;
      await log.each(
        [jobs],
        () => 'bookings',
        async (some) => {
          for (const jobId of some) {
            try {
              if (await withTransaction(pool, (tx) => bookCharges(tx, jobId))) booked++;
            } catch (error) {
              failed.add(jobId);
              log.failed(`booking of job ${jobId}`, error);
            }
          }
        },
      );
      if (failed.size >= jobsAtOnce) break;
    }
    const left = await countUnbooked(pool, countedUnbooked);
    ledgerUnbooked.set(left);
    if (booked > 0) logger.info({ booked, left }, 'booked jobs that a version without the ledger had charged');
    return booked;
  }

  async function settleTheEnded(log: RepairLog): Promise<void> {
    await log.each(
      await unsettledEndedJobs(pool, repairsPerRun),
      ({ jobId }) => `settlement of job ${jobId}`,
      async ({ jobId, endedAt }) => {
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
  async function payOutClaims(log: RepairLog): Promise<void> {
    await log.each(
      await claimableProviders(pool, claimsPerRun),
      (providerId) => `earnings of provider ${providerId}`,
      async (providerId) => void (await withTransaction(pool, (tx) => claimEarnings(tx, providerId))),
    );
  }

  async function compare(log: RepairLog): Promise<void> {
    const checks = await readLedgerChecks(pool);
    const isFull = isFullDue(checks);
    const found = await differingMoney(pool, isFull ? 'everything' : { afterEntry: checks.seenEntry });
    for (const { invariant, count, examples } of found) {
      logger.error({ invariant, count, examples }, 'money differs: a person has to look');
      const why = `${moneyInvariantSays(invariant)}, but not for ${examples.join(', ')}`;
      log.failed(`money, ${invariant}: ${count} differ`, new Error(why));
    }
    const differs = await recordLedgerChecks(pool, { found, isFull, nowDiffers: checks.differs });
    for (const invariant of moneyInvariants) moneyDiffers.set({ invariant }, differs[invariant] ?? 0);
  }
}

function isFullDue({ fullAt, differs }: LedgerChecks): boolean {
  const everyMs = Object.keys(differs).length > 0 ? fullWhileDifferingMs : fullEveryMs;
  return fullAt === undefined || Date.now() - fullAt.getTime() >= everyMs;
}
