import { release, allocate, findAllocation } from '../src/db/allocations.js';
import { placementCandidates, whatKeepsOut } from '../src/db/candidates.js';
import { settleSpend, reserveExtension } from '../src/auth/spend.js';
import { markEnded, markEnding, markExtended, markProvisioning, markRunning } from '../src/db/jobs.js';
import { withTransaction } from '../src/db/pool.js';
import { BrokerError } from '../src/domain/errors.js';
import type { FinalJobStatus, JobFailure, JobOrder, Placement, SshAccess } from '../src/domain/job.js';
import type { SitePrices } from '../src/config.js';
import type { ActivityDeps } from './deps.js';

/** How many of the cheapest providers are tried before the list is read anew. */
const candidatesAtOnce = 8;
/** Each round lost means that other jobs won capacity; this many rounds are a storm, and the client may come again. */
const maxRounds = 25;

/** The job's own row, its capacity and its spend: Postgres only. */
export function createJobRecordActivities({ pool, config }: Pick<ActivityDeps, 'pool'> & { config: SitePrices }) {
  return {
    /**
     * Takes capacity at the cheapest provider that fits. Repeated after a crash, it finds what it took.
     *
     * @throws no_capacity when nobody fits; allocation_released when the job was ended meanwhile.
     */
    async placeJob(order: JobOrder): Promise<Placement> {
      const placement = (await findAllocation(pool, order.jobId)) ?? (await takeCapacity(order));
      await markProvisioning(pool, order.jobId, placement);
      return placement;
    },

    async recordRunning(
      order: JobOrder,
      running: { ssh: SshAccess; podUid: string; startedAt: string; expiresAt: string },
    ): Promise<void> {
      await markRunning(pool, order.jobId, {
        ssh: running.ssh,
        podUid: running.podUid,
        startedAt: new Date(running.startedAt),
        expiresAt: new Date(running.expiresAt),
      });
    },

    /**
     * Moves the expiry, and reserves what the added time costs in the same transaction.
     *
     * @throws spend_limit_exceeded when the session that asked for it cannot pay for it.
     */
    async recordExtension(extension: {
      order: JobOrder;
      requestId: string;
      seconds: number;
      expiresAt: string;
      pricePerHour: number;
      sessionId?: string | undefined;
    }): Promise<void> {
      const { order, requestId, seconds, expiresAt, pricePerHour, sessionId } = extension;
      await withTransaction(pool, async (tx) => {
        await reserveExtension(tx, { jobId: order.jobId, requestId, seconds, pricePerHour, sessionId });
        await markExtended(tx, order.jobId, new Date(expiresAt));
      });
    },

    async recordEnding(jobId: string, message: string): Promise<void> {
      await markEnding(pool, jobId, message);
    },

    /** Gives capacity and unused money back and closes the row: all of it or nothing, once however often it runs. */
    async releaseJob(
      order: JobOrder,
      outcome: { status: FinalJobStatus; message: string; servedUntil: string; failure?: JobFailure },
    ): Promise<void> {
      await withTransaction(pool, async (tx) => {
        await release(tx, order.jobId);
        await settleSpend(tx, { jobId: order.jobId, servedUntil: new Date(outcome.servedUntil) });
        await markEnded(tx, order.jobId, {
          status: outcome.status,
          message: outcome.message,
          ...(outcome.failure === undefined ? {} : { failure: outcome.failure }),
        });
      });
    },
  };

  async function takeCapacity(order: JobOrder): Promise<Placement> {
    let reason: string | undefined;
    for (let round = 0; round < maxRounds; round++) {
      const candidates = await placementCandidates(pool, order, config, candidatesAtOnce);
      if (candidates.length === 0) {
        reason = await whatKeepsOut(pool, order, config);
        break;
      }
      for (const candidate of candidates) {
        const result = await allocate(pool, order, candidate);
        if (result === 'allocated') return candidate;
        // An attempt that was given up has taken it after all.
        if (result === 'held') return (await findAllocation(pool, order.jobId)) ?? candidate;
        if (result === 'released')
          throw new BrokerError('allocation_released', 'the job was ended before it was placed');
      }
    }
    const what = `${order.gpuCount} × ${order.gpuType ?? 'any GPU'}, ${order.cpuCores} cores, ${order.memoryMb} MB, ${order.storageGb} GB`;
    // Nothing was on offer when the order came, so nothing was reserved: a bound of 0 is none that a customer named.
    const bound = (order.maxPricePerHour ?? 0) > 0 ? ` for at most ${order.maxPricePerHour} an hour` : '';
    throw new BrokerError(
      'no_capacity',
      (order.providerId === undefined
        ? `no provider has ${what} free${bound}`
        : `provider ${order.providerId} does not have ${what} free`) + (reason === undefined ? '' : `: ${reason}`),
    );
  }
}
