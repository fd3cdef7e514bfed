import type { Queryable } from './pool.js';

/** Notes that messages may have gone from a stream, just now, before anybody read them. */
export async function noteLoss(db: Queryable, stream: string): Promise<void> {
  await db.query(
    `insert into stream_losses (stream, noticed_at) values ($1, clock_timestamp())
     on conflict (stream) do update set noticed_at = excluded.noticed_at`,
    [stream],
  );
}

/** Whether messages may have gone unread from a stream within the last seconds. */
export async function hasLostOfLate(db: Queryable, stream: string, withinS: number): Promise<boolean> {
  const { rowCount } = await db.query(
    `select from stream_losses where stream = $1 and noticed_at > clock_timestamp() - make_interval(secs => $2)`,
    [stream, withinS],
  );
  return rowCount === 1;
}
