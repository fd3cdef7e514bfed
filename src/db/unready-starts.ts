import type { Queryable } from './pool.js';
import type { ErrorCode } from '../wire/error-codes.js';

/** Failures before a job is ready that only its customer can cause, by what he orders it to run. */
const customersDoing: readonly ErrorCode[] = ['image_pull_failed', 'container_exited', 'storage_exceeded'];

/**
 * How long a wallet must wait until it has fewer than `allowed` unsuccessful starts in the last hour. A start counts if
 * it occupied a machine and failed through the customer: it was cancelled, or its image or program failed.
 *
 * @returns seconds; 0 when it need not wait.
 */
export async function waitAfterUnreadyStarts(db: Queryable, wallet: string, allowed: number): Promise<number> {
  // Not the clock's time: what may change while a statement runs is not looked up in an index, and all starts would be read.
  const { rows } = await db.query<{ wait_s: number }>(
    `select ceil(extract(epoch from ended_at + interval '1 hour' - clock_timestamp()))::int as wait_s
       from jobs
      where wallet = $1 and ended_at is not null and started_at is null and ended_at > statement_timestamp() - interval '1 hour'
        and provider_id is not null and (status = 'cancelled' or failure_reason = any ($2::text[]))
      order by ended_at desc offset $3 limit 1`,
    [wallet, customersDoing, allowed - 1],
  );
  return Math.max(0, rows[0]?.wait_s ?? 0);
}
