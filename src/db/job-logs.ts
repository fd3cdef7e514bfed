import type { Queryable } from './pool.js';
import { removeOld } from './pruning.js';

/** Keeps the last of what an ended job has written. The first that is kept stays. */
export async function writeJobLog(db: Queryable, jobId: string, log: Buffer): Promise<void> {
  await db.query('insert into job_logs (job_id, log) values ($1, $2) on conflict (job_id) do nothing', [jobId, log]);
}

/** What was kept of a job's log; undefined if nothing was, or not any more. */
export async function findJobLog(db: Queryable, jobId: string): Promise<Buffer | undefined> {
  const { rows } = await db.query<{ log: Buffer }>('select log from job_logs where job_id = $1', [jobId]);
  return rows[0]?.log;
}

/** Deletes logs that were kept before `before`, some thousands at a time. @returns how many. */
export async function forgetJobLogs(db: Queryable, before: Date): Promise<number> {
  return await removeOld(
    db,
    `delete from job_logs
      where job_id in (select job_id from job_logs where saved_at < $1 order by saved_at limit $2)`,
    before,
  );
}
