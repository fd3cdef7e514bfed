import type { Span } from '../domain/billing.js';
import type { GapCause } from '../domain/job.js';
import type { Queryable } from './pool.js';
import { prepared } from './prepared.js';

/** Records the gaps in which a job was not served; a gap already recorded stays unchanged. */
export async function recordGaps(
  db: Queryable,
  jobId: string,
  gaps: readonly { from: Date; to: Date; cause: GapCause }[],
): Promise<void> {
  if (gaps.length === 0) return;
  await db.query(
    `insert into job_gaps (job_id, from_at, to_at, cause)
     select $1, from_at, to_at, cause
       from unnest($2::timestamptz(3)[], $3::timestamptz(3)[], $4::text[]) as g (from_at, to_at, cause)
      where to_at > from_at
     on conflict do nothing`,
    [jobId, gaps.map(({ from }) => from), gaps.map(({ to }) => to), gaps.map(({ cause }) => cause)],
  );
}

/** All gaps of a job, in order. */
export async function gapsOf(db: Queryable, jobId: string): Promise<Span[]> {
  const { rows } = await db.query<{ from_at: Date; to_at: Date }>(
    prepared('select from_at, to_at from job_gaps where job_id = $1 order by from_at'),
    [jobId],
  );
  return rows.map(({ from_at, to_at }) => ({ fromMs: from_at.getTime(), toMs: to_at.getTime() }));
}
