import { Context } from '@temporalio/activity';
import { batchUnderWay, openStop } from '../../src/db/batches.js';
import { countFrozen } from '../../src/db/frozen-wallets.js';
import { leavingInDebt, mustSettleBeforeAnExit } from '../../src/db/leaving-wallets.js';
import { unfundedJobs, type UnfundedJob } from '../../src/db/unfunded-jobs.js';
import { knownVault, type KnownVault } from '../../src/db/vaults.js';
import { chainSettings } from '../../src/config/chain.js';
import { drawnBeforeExitS, warnedBeforeExitS } from '../../src/domain/exit-margin.js';
import { instantAt, sentence } from '../../src/domain/outside.js';
import { settlementLateS } from '../../src/domain/settlement-lateness.js';
import { frozenWalletCount, leavingWallets, settlementLate } from '../../src/observability/metrics.js';
import { isSettling, settleNow } from '../../src/temporal/schedules.js';
import { jobSignals, sendSignal } from '../../src/temporal/signals.js';
import type { Cancellation } from '../../workflows/job-messages.js';
import type { VaultId } from '../../src/db/vault-events.js';
import type { ActivityDeps } from '../deps.js';
import { comparisonOf, repairLog, type Comparison } from './repairs.js';

/** The limit of one run; the next one finds the rest. */
const endedPerRun = 500;
/** Of wallets that may leave owing, and of the jobs of one. */
const namedPerRun = 20;

const why = {
  exit: 'the wallet takes its money out of the vault, so the job is not paid for any more',
  frozen: 'the vault does not pay for the wallet any more',
} as const;

/** Ends what is no longer paid for, on sites whose customers pay in advance. */
export function createFundsComparison({
  config,
  pool,
  temporal,
  logger,
}: Pick<ActivityDeps, 'config' | 'pool' | 'temporal' | 'logger'>) {
  const vault = chainSettings(config);
  return {
    /**
     * Ends jobs that are no longer paid for, has a settlement cut once they are charged, and measures how late settlements
     * are. It asks no chain: what a wallet asked its vault for is in the database.
     */
    async compareFunds(): Promise<Comparison> {
      const context = Context.current();
      const log = repairLog(logger, () => context.heartbeat());
      if (vault === undefined) return comparisonOf(log);
      await log.each(await unfundedJobs(pool, endedPerRun), ({ jobId }) => `end of job ${jobId}`, endUnfunded);
      const known = await knownVault(pool, vault);
      const lateS = known === undefined ? 0 : settlementLateS(known, config.BATCH_INTERVAL_H, Date.now());
      if (known !== undefined) {
        await log.each([{ ...known, ...vault }], () => 'wallets that leave', warnOfDebtors);
        await log.each(
          [lateS],
          () => 'settlement',
          (s) => settleInTime({ ...known, ...vault }, s),
        );
      }
      frozenWalletCount.set(await countFrozen(pool));
      settlementLate.set(lateS);
      return comparisonOf(log);
    },
  };

  /** A job without a workflow gets one within a minute, and is ended then. */
  async function endUnfunded({ jobId, because }: UnfundedJob): Promise<void> {
    const cancellation: Cancellation = {
      by: 'the vault',
      at: instantAt(Date.now()),
      reason: sentence(why[because]),
      code: 'funds_withdrawn',
    };
    const sent = await sendSignal(temporal, jobSignals.cancelRequested(jobId, cancellation), {
      requestId: `funds_withdrawn:${jobId}`,
    });
    if (sent) logger.warn({ jobId, because }, 'a job ends because it is not paid for any more');
  }

  /** While somebody can still see to it that they are charged and drawn. */
  async function warnOfDebtors(vault: KnownVault & VaultId): Promise<void> {
    const debtors = await leavingInDebt(pool, vault, warnedBeforeExitS(vault));
    leavingWallets.set({ owing: 'reserved' }, debtors.filter(({ reserved }) => reserved > 0n).length);
    leavingWallets.set({ owing: 'undrawn' }, debtors.filter(({ undrawn }) => undrawn > 0n).length);
    for (const { wallet, exitAt, reserved, undrawn, jobs } of debtors.slice(0, namedPerRun))
      logger.error(
        {
          wallet,
          exitAt,
          reserved: reserved.toString(),
          undrawn: undrawn.toString(),
          jobs: jobs.slice(0, namedPerRun),
        },
        'a wallet may soon leave the vault with what it has not paid',
      );
  }

  /** Does not wait for the next time of a settlement that was missed, or before a wallet leaves. */
  async function settleInTime(vault: KnownVault & VaultId, lateS: number): Promise<void> {
    // Then only a person can go on; another run would find the same.
    if ((await openStop(pool, vault)) !== undefined) return;
    if ((await batchUnderWay(pool, vault)) !== undefined && (await isSettling(temporal))) return;
    const isBeforeAnExit = await mustSettleBeforeAnExit(pool, vault, drawnBeforeExitS(vault));
    if (lateS === 0 && !isBeforeAnExit) return;
    await settleNow(temporal);
    logger.info({ lateS, isBeforeAnExit }, 'a settlement is due');
  }
}
