import { news } from '../domain/job-event.js';
import { eventOf, tellSql, type Told } from './job-events.js';
import type { Queryable, Transaction } from './pool.js';

/** Who may log in to a job, and whether more can be let in. */
export interface JobKeys {
  keys: string[];
  /** False for a job of a version that could not add keys: nobody can change its Secret. */
  takesMore: boolean;
  hasEnded: boolean;
}

/** The keys of a wallet's job, locked until the transaction ends. */
export async function lockJobKeys(tx: Transaction, wallet: string, jobId: string): Promise<JobKeys | undefined> {
  const { rows } = await tx.query<{ keys: string[]; takes_more: boolean; has_ended: boolean }>(
    `select ssh_public_keys as keys, takes_ssh_keys as takes_more, (ended_at is not null or status = 'ending') as has_ended
       from jobs where job_id = $1 and wallet = $2 for update`,
    [jobId, wallet],
  );
  const row = rows[0];
  return row && { keys: row.keys, takesMore: row.takes_more, hasEnded: row.has_ended };
}

/** Adds a key to a job that is locked, and tells its customer: the last statement of its transaction. */
export async function addJobKey(tx: Transaction, jobId: string, key: string, fingerprint: string): Promise<Told> {
  const { text, data } = news('ssh_key_added', `the SSH key ${fingerprint} may log in`, { fingerprint });
  const { rows } = await tx.query<{ wallet: string }>(
    `with changed as (
       update jobs j set ssh_public_keys = ssh_public_keys || $2::text, ssh_keys_changed_at = clock_timestamp(),
                         event_count = event_count + 1, updated_at = clock_timestamp()
        where job_id = $1
       returning j.job_id, j.wallet, j.event_count
     ), ${tellSql(eventOf('ssh_key_added', '$3', '$4'))}
     select wallet from told`,
    [jobId, key, text, JSON.stringify(data)],
  );
  return rows[0]?.wallet;
}

/** Writes down that a job's Secret has exactly these keys; nothing if another one was added meanwhile. */
export async function markKeysBrought(db: Queryable, jobId: string, keys: readonly string[]): Promise<void> {
  await db.query(
    'update jobs set ssh_keys_changed_at = null where job_id = $1 and ssh_public_keys = $2::text[] and ssh_keys_changed_at is not null',
    [jobId, keys],
  );
}

/** Writes down that nobody can change the Secret of a job. */
export async function markKeysFixed(db: Queryable, jobId: string): Promise<void> {
  await db.query('update jobs set takes_ssh_keys = false, ssh_keys_changed_at = null where job_id = $1', [jobId]);
}

/**
 * The same for a job that runs and has lost its Secret.
 *
 * @returns whether this was written down now.
 */
export async function markKeysLost(db: Queryable, jobId: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update jobs set takes_ssh_keys = false, ssh_keys_changed_at = null
      where job_id = $1 and status = 'running' and ended_at is null
        and (takes_ssh_keys or ssh_keys_changed_at is not null)`,
    [jobId],
  );
  return rowCount === 1;
}

/** Running jobs that wait for a key for longer than `olderThanS`. */
export async function jobsWithoutTheirKeys(
  db: Queryable,
  olderThanS: number,
): Promise<{ jobId: string; wallet: string }[]> {
  const { rows } = await db.query<{ job_id: string; wallet: string }>(
    `select job_id, wallet from jobs
      where ended_at is null and status = 'running' and ssh_keys_changed_at < now() - make_interval(secs => $1)
      order by ssh_keys_changed_at limit 1000`,
    [olderThanS],
  );
  return rows.map(({ job_id, wallet }) => ({ jobId: job_id, wallet }));
}
