import type { Pool } from 'pg';
import type { Logger } from 'pino';
import { withTransaction } from '../../src/db/pool.js';
import {
  bookCharges,
  countUnbookable,
  countUnbooked,
  forgetBooked,
  recordUnbookable,
  unbookedJobs,
} from '../../src/db/unbooked.js';
import { BrokerError } from '../../src/domain/errors.js';
import { printable } from '../../src/domain/outside.js';
import { ledgerUnbookable, ledgerUnbooked } from '../../src/observability/metrics.js';
import type { RepairLog } from './repairs.js';

/** How long one run books what older versions left: the rest of the minute is for everything else. */
const bookingMs = 15_000;
const jobsAtOnce = 200;
/** Counting further costs more than it tells. */
const countedUnbooked = 1_000_000;

/**
 * Books what a version without the ledger charged. Routine after an upgrade, and no repair. One job after the other, so
 * that orders never wait for long; a job that cannot be booked stands aside until all others are booked.
 *
 * @returns how many jobs it booked.
 */
export async function bookTheRest(pool: Pool, logger: Logger, log: RepairLog): Promise<number> {
  const untilMs = Date.now() + bookingMs;
  let booked = 0;
  while (Date.now() < untilMs) {
    const jobs = await unbookedJobs(pool, jobsAtOnce);
    if (jobs.length === 0) break;
    await log.each(
      [jobs],
      () => 'bookings',
      async (some) => {
        for (const jobId of some) {
          // Each may wait for somebody who holds the same rows.
          if (Date.now() >= untilMs) return;
          if (await bookOne(pool, log, jobId)) booked++;
        }
      },
    );
  }
  await forgetBooked(pool);
  const left = await countUnbooked(pool, countedUnbooked);
  ledgerUnbooked.set(left);
  ledgerUnbookable.set(await countUnbookable(pool));
  if (booked > 0) logger.info({ booked, left }, 'booked jobs that a version without the ledger had charged');
  return booked;
}

/**
 * A failure is remembered, so that the same job is not taken again at once. What fails because the database is busy or
 * away can be booked all the same.
 */
async function bookOne(pool: Pool, log: RepairLog, jobId: string): Promise<boolean> {
  try {
    return await withTransaction(pool, (tx) => bookCharges(tx, jobId));
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    log.failed(`booking of job ${jobId}`, cause);
    const reason = (cause instanceof Error && printable(cause.message, 200)) || 'failed';
    const forGood = !(error instanceof BrokerError && error.code === 'dependency_unavailable');
    await recordUnbookable(pool, jobId, { reason, forGood });
    return false;
  }
}
