import { release, allocate, findAllocation, placementCandidates } from '../src/db/allocations.js';
import { extendJob, settleSpend } from '../src/auth/spend.js';
import { recordGaps } from '../src/db/job-gaps.js';
import { markEnded, markEnding, markMessage, markProvisioning, markRunning } from '../src/db/jobs.js';
import { isBadData, withTransaction } from '../src/db/pool.js';
import { BrokerError } from '../src/domain/errors.js';
import type { FinalJobStatus, GapCause, JobFailure, JobOrder, Placement, SshAccess } from '../src/domain/job.js';
import { sentence, type Instant, type Printable } from '../src/domain/outside.js';
import { closingsWithoutText } from '../src/observability/metrics.js';
import type { ActivityDeps } from './deps.js';

/** How many of the cheapest providers are tried before the list is read anew. */
const candidatesAtOnce = 8;
/** Each round lost means that other jobs won capacity; this many rounds are a storm, and the client may come again. */
const maxRounds = 25;

/** What stands in the place of a text that the database does not take. */
const neutralMessage = sentence('the job has ended');

/** A gap as it travels to the activity: RFC 3339. */
export interface RecordedGap {
  from: Instant;
  to: Instant;
  cause: GapCause;
}

/** How a job ended and when it was served, as far as that is known. Times are RFC 3339. */
export interface ReleasedJob {
  status: FinalJobStatus;
  message: Printable;
  failure?: JobFailure;
  /** When the end was decided, by the clock of the broker. */
  endAt: Instant;
  podEndedAt?: Instant;
  lastSeen?: Instant;
  /** Gaps that may not be written down yet. */
  gaps?: RecordedGap[];
}

/** The job's own row, its capacity and its spend: Postgres only. */
export function createJobRecordActivities({ pool, logger }: Pick<ActivityDeps, 'pool' | 'logger'>) {
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
     * Moves the expiry and reserves what the added time costs, once for each request.
     *
     * @returns the expiry that is stored, RFC 3339.
     * @throws idempotency_conflict, extension_limit, duration_limit, job_ended; spend_limit_exceeded when the session
     *   that asked for it cannot pay for it.
     */
    async recordExtension(extension: {
      order: JobOrder;
      requestId: string;
      seconds: number;
      maxDurationS: number;
      sessionId?: string | undefined;
    }): Promise<{ expiresAt: string }> {
      const { order, ...asked } = extension;
      const expiresAt = await withTransaction(pool, (tx) => extendJob(tx, { ...asked, jobId: order.jobId }));
      return { expiresAt: expiresAt.toISOString() };
    },

    /** Tells the customer of a running job that its provider is away, or back; and since when it was away. */
    async recordService(news: { jobId: string; message: Printable | ''; gaps: RecordedGap[] }): Promise<void> {
      await withTransaction(pool, async (tx) => {
        await recordGaps(tx, news.jobId, news.gaps.map(gapFrom));
        await markMessage(tx, news.jobId, news.message);
      });
    },

    async recordEnding(jobId: string, message: Printable): Promise<void> {
      await closing(jobId, message, (text) => markEnding(pool, jobId, text));
    },

    /**
     * Gives capacity and unused money back and closes the row: all of it or nothing, once however often it runs. What is
     * paid for follows from when the job was served, not from how it ended.
     */
    async releaseJob(order: JobOrder, outcome: ReleasedJob): Promise<void> {
      const { jobId } = order;
      await closing(jobId, outcome.message, (message) =>
        withTransaction(pool, async (tx) => {
          await release(tx, jobId);
          await recordGaps(tx, jobId, (outcome.gaps ?? []).map(gapFrom));
          const settled = await settleSpend(tx, {
            jobId,
            endAt: new Date(outcome.endAt),
            podEndedAt: dateOf(outcome.podEndedAt),
            lastSeen: dateOf(outcome.lastSeen),
          });
          const { status, failure } = outcome;
          await markEnded(tx, jobId, {
            status,
            message,
            ...(failure === undefined
              ? {}
              : { failure: message === outcome.message ? failure : { ...failure, message } }),
            ...(settled === undefined ? {} : { billed: settled.billed }),
          });
        }),
      );
    },
  };

  /**
   * Runs a statement that a job's end waits for, for ever if it has to. No text may be what it fails by: where the
   * database refuses its data, the same is done with a text of ours.
   */
  async function closing(
    jobId: string,
    message: Printable,
    write: (message: Printable) => Promise<void>,
  ): Promise<void> {
    try {
      await write(message);
    } catch (error) {
      if (!isBadData(error) || message === neutralMessage) throw error;
      closingsWithoutText.inc();
      logger.error({ err: error, jobId }, 'the database does not take what a job ends with; it ends without the words');
      await write(neutralMessage);
    }
  }

  async function takeCapacity(order: JobOrder): Promise<Placement> {
    for (let round = 0; round < maxRounds; round++) {
      const candidates = await placementCandidates(pool, order, candidatesAtOnce);
      if (candidates.length === 0) break;
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
      order.providerId === undefined
        ? `no provider has ${what} free${bound}`
        : `provider ${order.providerId} does not have ${what} free`,
    );
  }
}

function gapFrom({ from, to, cause }: RecordedGap) {
  return { from: new Date(from), to: new Date(to), cause };
}

function dateOf(time: Instant | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(time);
}
