import type { ErrorCode } from '../domain/errors.js';
import type { Queryable } from './pool.js';

/** Ends before a job was ready that only its customer brings about, by what he told it to run. */
const customersDoing: readonly ErrorCode[] = ['image_pull_failed', 'container_exited', 'storage_exceeded'];

/**
 * How long a wallet has to wait until it has fewer than `allowed` starts behind it, within an hour, that took a machine
 * and came to nothing by its own doing: given up, or failed by the image or the program.
 *
 * @returns seconds; 0 when it need not wait.
 */
export async function waitAfterUnreadyStarts(db: Queryable, wallet: string, allowed: number): Promise<number> {
  const { rows } = await db.query<{ wait_s: number }>(
    `select ceil(extract(epoch from ended_at + interval '1 hour' - clock_timestamp()))::int as wait_s
       from jobs
      where wallet = $1 and ended_at is not null and started_at is null and ended_at > clock_timestamp() - interval '1 hour'
        and provider_id is not null and (status = 'cancelled' or failure_reason = any ($2::text[]))
      order by ended_at desc offset $3 limit 1`,
    [wallet, customersDoing, allowed - 1],
  );
  return Math.max(0, rows[0]?.wait_s ?? 0);
}
