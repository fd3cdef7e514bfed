import { jobsHolding, jobsHoldingGpus } from '../src/db/allocations.js';
import { BrokerError } from '../src/domain/errors.js';
import { isRefusedForGood } from '../src/temporal/refusals.js';
import type { Signal } from '../src/temporal/signal-once.js';
import { jobSignals, sendSignal, sendToEach } from '../src/temporal/signals.js';
import type { ProviderChange, ProviderDrain } from '../workflows/job-messages.js';
import type { ActivityDeps } from './deps.js';

/** The time limit for telling one job: an activity has half a minute for all of them. */
const tellWithinMs = 5_000;

/** Tells a provider's jobs about changes of the provider. */
export function createJobNewsActivities({
  pool,
  temporal,
  logger,
}: Pick<ActivityDeps, 'pool' | 'temporal' | 'logger'>) {
  return {
    /**
     * Tells the jobs that hold something of a provider that it went away or came back. With `newNode`, tells only jobs
     * on another node, which is gone for good. With `missingGpus`, the provider is away for jobs that hold GPUs of
     * these resources, and online for all others.
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
   * Finds jobs by what they hold, so that a job which got capacity before the row was closed to others is among them. A
   * job that cannot be told does not keep the others from hearing; the retry tells all of them again.
   */
  async function tellEach(
    jobIds: readonly string[],
    providerId: string,
    signalFor: (jobId: string) => Signal,
  ): Promise<number> {
    const failed = await sendToEach(jobIds, async (jobId) => {
      const signal = signalFor(jobId);
      // However often the same news is sent, a job's history holds it once.
      const requestId = `${signal.name} ${providerId} ${JSON.stringify(signal.args[0])}`;
      try {
        const told = await sendSignal(temporal, signal, { withinMs: tellWithinMs, requestId });
        if (!told) logger.warn({ jobId, providerId }, 'a live job without a workflow');
      } catch (error) {
        // The server would refuse it for ever, and the retries would keep the provider from doing anything else.
        if (!isRefusedForGood(error)) throw error;
        logger.error({ err: error, jobId, providerId }, 'cannot signal a job');
      }
    });
    if (failed.length > 0) {
      const detail = `${failed.length} of ${jobIds.length} jobs could not be told`;
      throw new BrokerError('dependency_unavailable', detail, {}, { cause: failed[0]!.error });
    }
    return jobIds.length;
  }
}
