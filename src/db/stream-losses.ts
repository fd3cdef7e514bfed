import type { Queryable } from './pool.js';

/** Records that a stream may just have lost unread messages. */
export async function noteLoss(db: Queryable, stream: string): Promise<void> {
  await db.query(
    `insert into stream_losses (stream, noticed_at) values ($1, clock_timestamp())
     on conflict (stream) do update set noticed_at = excluded.noticed_at`,
    [stream],
  );
}

/** Whether a stream may have lost unread messages within the last `withinS` seconds. */
export async function hasLostOfLate(db: Queryable, stream: string, withinS: number): Promise<boolean> {
  const { rowCount } = await db.query(
    `select from stream_losses where stream = $1 and noticed_at > clock_timestamp() - make_interval(secs => $2)`,
    [stream, withinS],
  );
  return rowCount === 1;
}
