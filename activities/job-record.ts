import type { Logger } from 'pino';
import { release, allocate, findAllocation, movesOf, vacate } from '../src/db/allocations.js';
import { createReceiptSigner, type ReceiptSignerDeps } from '../src/billing/receipt-signer.js';
import { writeReceipt, type ReceiptSite } from '../src/billing/receipts.js';
import { signTogether } from '../src/billing/sign-together.js';
import { extendJob, settleSpend } from '../src/billing/spend.js';
import { placementCandidates } from '../src/db/candidates.js';
import { recordDoubt, recordFailure, recordStart, type FailurePolicy } from '../src/db/provider-failures.js';
import { lackOfPorts } from '../src/db/node-ports.js';
import { createEventBell } from '../src/db/event-bell.js';
import { markEnded, markEnding, markProvisioning, markRunning, markService } from '../src/db/job-changes.js';
import type { Told } from '../src/db/job-events.js';
import { recordGaps } from '../src/db/job-gaps.js';
import { quotedRates } from '../src/db/jobs.js';
import { isBadData, withTransaction } from '../src/db/pool.js';
import { BrokerError } from '../src/domain/errors.js';
import type { JobFailure, JobOrder, Placement } from '../src/domain/job.js';
import { sentence, type Instant, type Printable } from '../src/domain/outside.js';
import { closingsWithoutText, providersOut, startMoves } from '../src/observability/metrics.js';
import type { Config, SiteFee, SitePrices } from '../src/config.js';
import type { ActivityDeps } from './deps.js';
import type { RecordedGap, RecordedRun, ReleasedJob, Remembered, StartFailure } from './job-outcome.js';
import { noCapacity, whyNobodyTakes } from './no-capacity.js';

/** How many of the cheapest providers are tried before the list is read again. */
const candidatesAtOnce = 8;
/**
 * Each lost round means that other jobs won capacity; after this many, the system is overloaded and the client can
 * retry.
 */
const maxRounds = 25;

/** A job's own receipt is most often the only one that waits. At 2 ms each, a few more delay no end. */
const receiptsAtAnEnd = 10;
/** Some 100 ms of work, in which the key cannot be replaced. */
const receiptsAtOnce = 40;

/** Replaces a text that the database rejects. */
const neutralMessage = sentence('the job has ended');

type JobRecordDeps = Pick<ActivityDeps, 'pool' | 'logger'> & {
  config: SitePrices &
    FailurePolicy &
    SiteFee &
    ReceiptSite &
    ReceiptSignerDeps['config'] &
    Pick<Config, 'CLUSTER_NODE_PORTS'>;
};

/** The job's own row, its capacity and its charges: Postgres only. */
export function createJobRecordActivities({ pool, logger, config }: JobRecordDeps) {
  const bell = createEventBell(pool);
  const signSome = signingAtEnds({ config, pool, logger });
  return {
    /**
     * Takes capacity at the cheapest provider that fits and has not failed this job before, and sets the reservation to
     * what the job costs there. Repeated after a crash, it finds the capacity it took.
     *
     * @param attempt the number of this placement.
     * @throws no_capacity if no provider fits, or the session cannot pay for any that does; exit_pending if the wallet has
     * asked the vault for its money since it ordered; allocation_released if the job was ended meanwhile.
     */
    async placeJob(order: JobOrder, attempt = 1): Promise<Placement> {
      const held = await findAllocation(pool, order.jobId);
      if (held === undefined) return await takeCapacity(order, attempt);
      // An earlier version wrote this down in a second step, and may have been killed before it.
      bell.ring(await markProvisioning(pool, order.jobId, held, config.FEE_BPS));
      return held;
    },

    /** Releases what a job holds at a provider that did not start it, so that the next placement may take capacity. */
    async leaveProvider(
      order: JobOrder,
      failure: StartFailure & { message: Printable; words?: Printable },
    ): Promise<Remembered> {
      const { providerId, attempt, reason, fault, message, words } = failure;
      const left = await leaving(order, failure);
      const remembered = await remember(order, failure);
      if (left) {
        startMoves.inc({ reason });
        const facts = { jobId: order.jobId, providerId, attempt, reason, fault, message, words };
        logger.warn(facts, 'a provider did not start a job, which moves elsewhere');
      }
      return remembered;
    },

    /**
     * Writes that the job runs. That clears what its provider has failed before, unless nobody saw the job run: then the
     * provider alone says so. A machine that was not reached before is now known to be at fault, not the order.
     */
    async recordRunning(order: JobOrder, running: RecordedRun): Promise<Remembered> {
      const told = await markRunning(pool, order.jobId, {
        ssh: running.ssh,
        podUid: running.podUid,
        startedAt: new Date(running.startedAt),
        expiresAt: new Date(running.expiresAt),
      });
      bell.ring(told);
      if (running.isUnseen !== true) await recordStart(pool, order.jobId);
      return running.unreached === undefined ? {} : await remember(order, running.unreached);
    },

    /**
     * Moves the expiry and reserves what the added time costs, once for each request.
     *
     * @returns the expiry that is stored, RFC 3339.
     * @throws idempotency_conflict, extension_limit, duration_limit, job_ended; spend_limit_exceeded if the requesting
     * session cannot pay, monthly_cap_reached if the wallet does not want to, insufficient_funds if it cannot.
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
      bell.ring(order.wallet);
      return { expiresAt: expiresAt.toISOString() };
    },

    /** Tells the customer of a running job that its provider is away or back, and since when it was away. */
    async recordService(news: {
      jobId: string;
      message: Printable | '';
      awaySince?: Instant;
      gaps: RecordedGap[];
    }): Promise<void> {
      const { jobId, message, awaySince } = news;
      const gaps = news.gaps.map(gapFrom);
      const told = await withTransaction(pool, async (tx) => {
        await recordGaps(tx, jobId, gaps);
        return await markService(tx, jobId, { message, awaySince: dateOf(awaySince), missedS: secondsIn(gaps) });
      });
      bell.ring(told);
    },

    async recordEnding(jobId: string, message: Printable): Promise<void> {
      let told: Told;
      await closing(jobId, message, async (text) => void (told = await markEnding(pool, jobId, text)));
      bell.ring(told);
    },

    /**
     * Releases capacity and unspent money and closes the row: all of it or nothing, and once, however often it runs.
     * When the job was served decides what is paid for, not how it ended.
     */
    async releaseJob(order: JobOrder, outcome: ReleasedJob): Promise<Remembered> {
      const { jobId } = order;
      const { startFailure, unreached } = outcome;
      const remembered = startFailure === undefined ? {} : await remember(order, startFailure);
      const before = unreached === undefined ? {} : await remember(order, unreached);
      await closing(jobId, outcome.message, (message) =>
        withTransaction(pool, async (tx) => {
          // The statement that tells the customer comes last: see `tellSql`.
          await release(tx, jobId);
          await recordGaps(tx, jobId, (outcome.gaps ?? []).map(gapFrom));
          const settled = await settleSpend(tx, {
            jobId,
            endAt: new Date(outcome.endAt),
            podEndedAt: dateOf(outcome.podEndedAt),
            lastSeen: dateOf(outcome.lastSeen),
          });
          const { status, failure, endedBy, exitCode } = outcome;
          if (settled !== undefined) await writeReceipt(tx, { jobId, settled, outcome: status }, config);
          await markEnded(tx, jobId, {
            status,
            message,
            endedBy,
            exitCode,
            ...(failure === undefined
              ? {}
              : { failure: message === outcome.message ? failure : withoutWords(failure, message) }),
            ...(settled === undefined ? {} : { billed: settled.billed }),
          });
        }),
      );
      bell.ring(order.wallet);
      await signSome();
      logWords(logger, order, outcome.failure);
      return before.isOut === true ? { ...remembered, isUnreachedOut: true } : remembered;
    },
  };

  /**
   * Runs a statement that a job's end waits for, for ever if necessary. No text may make it fail: if the database
   * rejects the data, the statement is run again with a neutral text.
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
      logger.error({ err: error, jobId }, 'the database rejected the final text of a job; the job ends without it');
      await write(neutralMessage);
    }
  }

  async function leaving(order: JobOrder, { providerId, attempt, message }: StartFailure & { message: Printable }) {
    const { jobId } = order;
    let left = false;
    await closing(jobId, sentence(`provider ${providerId} did not start the job: ${message}`), async (text) => {
      left = await withTransaction(pool, (tx) => vacate(tx, jobId, attempt, text));
    });
    return left;
  }

  /**
   * Holds a failed start against its provider, if no customer can have caused it. In a transaction of its own: if the
   * database rejects the reason's text, the failure is not recorded and the job still ends.
   */
  async function remember(
    { jobId, wallet }: JobOrder,
    { providerId, attempt, reason, fault, shown }: StartFailure,
  ): Promise<Remembered> {
    await recordDoubt(pool, wallet, providerId);
    if (fault !== 'certain') return {};
    const facts = { jobId, providerId, attempt, reason };
    try {
      const out = await recordFailure(pool, { ...facts, wallet, shown }, config);
      if (out === undefined) return {};
      if (out.isNew) {
        providersOut.inc({ reason });
        const { outUntil } = out;
        logger.warn(
          { ...facts, outUntil },
          'a provider is out of placement: it failed to start jobs of several wallets',
        );
      }
      return { isOut: true };
    } catch (error) {
      if (!isBadData(error)) throw error;
      logger.error({ err: error, ...facts }, 'the database rejected a failed start');
      return {};
    }
  }

  async function takeCapacity(order: JobOrder, attempt: number): Promise<Placement> {
    const [{ failedAt }, quoted] = await Promise.all([movesOf(pool, order.jobId), quotedRates(pool, order.jobId)]);
    const wanted =
      failedAt.length === 0 ? order : { ...order, excludeProviders: [...(order.excludeProviders ?? []), ...failedAt] };
    const lack = await lackOfPorts(pool, order, config);
    if (lack !== undefined) throw noCapacity(order, failedAt, lack.text);
    let reason: string | undefined;
    for (let round = 0; round < maxRounds; round++) {
      const candidates = await placementCandidates(pool, wanted, config, candidatesAtOnce, quoted);
      if (candidates.length === 0) {
        reason = await whyNobodyTakes(pool, wanted, config);
        break;
      }
      for (const candidate of candidates) {
        const result = await allocate(pool, order, candidate, attempt, config.FEE_BPS);
        if (result === 'allocated') {
          bell.ring(order.wallet);
          return candidate;
        }
        // An attempt that had timed out took the capacity after all.
        if (result === 'held') return (await findAllocation(pool, order.jobId)) ?? candidate;
        if (result === 'released')
          throw new BrokerError('allocation_released', 'the job was ended before it was placed');
        if (result === 'unaffordable')
          throw noCapacity(order, failedAt, 'what is free costs more than the session has left');
        if (result === 'over_cap')
          throw noCapacity(order, failedAt, 'what is free costs more than the monthly cap of the wallet leaves');
        if (result === 'over_deposit')
          throw noCapacity(order, failedAt, 'what is free costs more than the wallet has deposited');
        // It asked between its order and now, so that no machine is to blame.
        if (result === 'leaving') throw new BrokerError('exit_pending', 'the wallet has asked the vault for its money');
      }
    }
    throw noCapacity(order, failedAt, reason);
  }
}

function logWords(logger: Logger, { jobId, image }: JobOrder, failure: JobFailure | undefined): void {
  if (failure?.words === undefined) return;
  const { reason, words } = failure;
  logger.warn({ jobId, reason, words, image }, 'a job failed; its customer learns only the kind of failure');
}

/** Signs the receipts of jobs that have just ended, with a few others; what fails here, the sweep finds. */
function signingAtEnds(deps: ReceiptSignerDeps): () => Promise<void> {
  const signer = createReceiptSigner(deps);
  if (signer === undefined) return () => Promise.resolve();
  const sign = signTogether(signer, receiptsAtAnEnd, receiptsAtOnce);
  return () => sign().catch((err: unknown) => deps.logger.warn({ err }, 'receipts could not be signed yet'));
}

function withoutWords({ words: _, ...failure }: JobFailure, message: Printable): JobFailure {
  return { ...failure, message };
}

function gapFrom({ from, to, cause }: RecordedGap) {
  return { from: new Date(from), to: new Date(to), cause };
}

function secondsIn(gaps: readonly { from: Date; to: Date }[]): number {
  return Math.round(gaps.reduce((sum, { from, to }) => sum + (to.getTime() - from.getTime()), 0) / 1000);
}

function dateOf(time: Instant | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(time);
}
