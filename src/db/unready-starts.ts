import type { Queryable } from './pool.js';
import type { ErrorCode } from '../wire/error-codes.js';
import { prepared } from './prepared.js';

/**
 * Failures before a job is ready that its customer can cause, by what he orders it to run. In the last one his container
 * ran for up to a minute: what he ordered may have kept the SSH server from answering.
 */
const customersDoing: readonly ErrorCode[] = [
  ...(['image_pull_failed', 'container_exited', 'storage_exceeded', 'ports_unreachable'] as const),
];

/** A start of the job failed, and no customer can have caused it. */
const isHeldAgainstAMachine = `exists (select from provider_failures f where f.job_id = jobs.job_id)`;

/**
 * How long a wallet must wait until it has fewer than `allowed` unsuccessful starts in the last hour. A start counts if
 * it occupied a machine and may have failed through the customer: it was cancelled, its image or program failed, or it
 * was not reached or ready in time, also if no third machine was left to try. A start in which a machine did not get as
 * far as the image does not count.
 *
 * @returns seconds; 0 when it need not wait.
 */
export async function waitAfterUnreadyStarts(db: Queryable, wallet: string, allowed: number): Promise<number> {
  // Not the clock's time: what may change while a statement runs is not looked up in an index, and all starts would be read.
  const { rows } = await db.query<{ wait_s: number }>(
    prepared(`select ceil(extract(epoch from ended_at + interval '1 hour' - clock_timestamp()))::int as wait_s
       from jobs
      where wallet = $1 and ended_at is not null and started_at is null and ended_at > statement_timestamp() - interval '1 hour'
        and (provider_id is not null
             and (status = 'cancelled' or failure_reason = any ($2::text[])
                  or failure_reason = 'start_timeout' and not ${isHeldAgainstAMachine})
             or failure_reason = 'no_capacity' and not ${isHeldAgainstAMachine}
             and (select cardinality(a.failed_at) from allocations a where a.job_id = jobs.job_id) > 1)
      order by ended_at desc offset $3 limit 1`),
    [wallet, customersDoing, allowed - 1],
  );
  return Math.max(0, rows[0]?.wait_s ?? 0);
}
