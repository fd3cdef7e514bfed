import { jobsHolding, jobsHoldingGpus } from '../src/db/allocations.js';
import { BrokerError } from '../src/domain/errors.js';
import { isRefusedForGood } from '../src/temporal/refusals.js';
import { jobSignals, sendSignal, sendToEach, type Signal } from '../src/temporal/signals.js';
import type { ProviderChange, ProviderDrain } from '../workflows/job-messages.js';
import type { ActivityDeps } from './deps.js';

/** How long one job may take to be told: an activity has half a minute for all of them. */
const tellWithinMs = 5_000;

/** What the jobs of a provider hear about it. */
export function createJobNewsActivities({
  pool,
  temporal,
  logger,
}: Pick<ActivityDeps, 'pool' | 'temporal' | 'logger'>) {
  return {
    /**
     * Tells the jobs that hold something of a provider that it went away or came back; with `newNode` only those that
     * are on another node, which is gone for good. With `missingGpus` it has gone for those that hold GPUs of these
     * resources, and is there for all others.
     */
    async tellJobs({
      newNode,
      missingGpus: resources,
      ...change
    }: ProviderChange & { providerId: string; newNode?: string; missingGpus?: string[] }): Promise<number> {
      const { providerId, at } = change;
      const jobs = await jobsHolding(pool, providerId, newNode);
      const tell = (jobIds: string[], news: ProviderChange) =>
        tellEach(jobIds, providerId, (jobId) => jobSignals.providerChanged(jobId, news));
      if (resources === undefined) return await tell(jobs, change);
      const concerned = new Set(await jobsHoldingGpus(pool, providerId, resources));
      const others = jobs.filter((jobId) => !concerned.has(jobId));
      return (await tell([...concerned], change)) + (await tell(others, { providerId, online: true, at }));
    },

    /** Tells the same jobs until when they may stay. */
    async tellJobsOfDrain(drain: ProviderDrain & { providerId: string }): Promise<number> {
      const { providerId } = drain;
      const jobs = await jobsHolding(pool, providerId);
      return await tellEach(jobs, providerId, (jobId) => jobSignals.providerDraining(jobId, drain));
    },
  };

  /**
   * A job is found by what it holds: whoever got capacity before the row was closed to others is among them. One that
   * cannot be told keeps none of the others from hearing; all of them are told once more then.
   */
  async function tellEach(
    jobIds: readonly string[],
    providerId: string,
    signalFor: (jobId: string) => Signal,
  ): Promise<number> {
    const failed = await sendToEach(jobIds, async (jobId) => {
      const signal = signalFor(jobId);
      // Of the same news, however often it has to be sent, a job's history holds one.
      const requestId = `${signal.name} ${providerId} ${JSON.stringify(signal.args[0])}`;
      try {
        const told = await sendSignal(temporal, signal, { withinMs: tellWithinMs, requestId });
        if (!told) logger.warn({ jobId, providerId }, 'a live job without a workflow');
      } catch (error) {
        // It would be refused for ever, and the provider would do nothing else any more.
        if (!isRefusedForGood(error)) throw error;
        logger.error({ err: error, jobId, providerId }, 'a job cannot be told');
      }
    });
    if (failed.length > 0) {
      const detail = `${failed.length} of ${jobIds.length} jobs could not be told`;
      throw new BrokerError('dependency_unavailable', detail, {}, { cause: failed[0]!.error });
    }
    return jobIds.length;
  }
}
