import { Context } from '@temporalio/activity';
import { installationId } from '../src/db/installation.js';
import { miningRecord, miningRecords, recordMiningPlan } from '../src/db/mining.js';
import { planMining } from '../src/domain/mining.js';
import { statusOf } from '../src/kubernetes/client.js';
import { clusterRanges } from '../src/kubernetes/cluster-ranges.js';
import { applyMiners, removeMiners } from '../src/kubernetes/miners.js';
import type { ActivityDeps } from './deps.js';
import { repairLog } from './reconciler/repairs.js';

/** Kubernetes creates miners within seconds: if there are none after this, their Deployment was deleted. */
const lostAfterMs = 60_000;

/** Runs miners on the GPUs that nobody rents. */
export function createMiningActivities({
  config,
  pool,
  kubernetes,
  logger,
}: Pick<ActivityDeps, 'config' | 'pool' | 'kubernetes' | 'logger'>) {
  const policy = { imageAllowlist: config.MINING_IMAGE_ALLOWLIST };
  const settings = {
    storageGb: config.MINING_STORAGE_GB,
    ...(config.JOB_RUNTIME_CLASS === undefined ? {} : { runtimeClassName: config.JOB_RUNTIME_CLASS }),
  };

  return {
    syncMining,

    /**
     * Does the same for every provider whose miners differ from what they should be: the list of images changed,
     * Kubernetes may now accept what it refused, or the miners were deleted by hand. In a healthy system there are
     * none.
     *
     * @returns the providers whose miners were corrected, and the failures.
     */
    async resyncMining(): Promise<{ synced: string[]; failures: string[] }> {
      const context = Context.current();
      const log = repairLog(logger, () => context.heartbeat());
      const astray = (await miningRecords(pool)).filter((record) => {
        const isLost = record.seen === 0 && Date.now() - (record.changedAt?.getTime() ?? 0) > lostAfterMs;
        return record.asked !== planMining(record, policy).miners || (record.asked > 0 && isLost);
      });
      const synced: string[] = [];
      await log.each(
        astray,
        ({ providerId }) => `miners of provider ${providerId}`,
        async ({ providerId }) => {
          await syncMining({ providerId });
          synced.push(providerId);
        },
      );
      return { synced, failures: log.failures };
    },
  };

  /**
   * Brings a provider's miners to what its status, its configuration and the site allow now. The wanted number is
   * written down before Kubernetes is asked, and a removal after it was done: the row never says fewer than there may
   * be. A denial by Kubernetes does not hold up the provider: it mines nothing, and the row says why.
   */
  async function syncMining({ providerId }: { providerId: string }): Promise<{ miners: number; reason: string }> {
    const record = await miningRecord(pool, providerId);
    if (record === undefined) {
      await removeMiners(kubernetes, providerId);
      return { miners: 0, reason: 'the provider is not registered' };
    }
    const plan = planMining(record, policy);
    if (plan.miner === undefined) return await endMining(providerId, record.asked, plan.reason);
    const installation = await installationId(pool);
    await recordMiningPlan(pool, providerId, plan.miners, '');
    try {
      const closed = await clusterRanges(kubernetes, config);
      await applyMiners(kubernetes, providerId, plan, { ...settings, installation, closed });
      return { miners: plan.miners, reason: '' };
    } catch (error) {
      const denied = deniedBecause(error, providerId);
      return await endMining(providerId, plan.miners, `Kubernetes denied the miners: ${denied}`);
    }
  }

  async function endMining(
    providerId: string,
    asked: number,
    reason: string,
  ): Promise<{ miners: number; reason: string }> {
    let left = 0;
    let why = reason;
    try {
      if (asked > 0) await removeMiners(kubernetes, providerId);
    } catch (error) {
      why = `${reason}; Kubernetes denied their removal: ${deniedBecause(error, providerId)}`;
      left = asked;
    }
    await recordMiningPlan(pool, providerId, left, why);
    return { miners: left, reason: why };
  }

  /** Describes a denial that every further attempt would meet; rethrows any other error for a retry. */
  function deniedBecause(error: unknown, providerId: string): string {
    const status = statusOf(error);
    if (status === undefined) throw error;
    logger.warn({ providerId, status }, 'Kubernetes denied a change of the miners');
    return status.reason;
  }
}
