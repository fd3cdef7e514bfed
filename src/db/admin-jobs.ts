import { isUuid } from '../domain/uuid.js';
import type { JobStatus } from '../wire/statuses.js';
import { decodeCursor, encodeCursor, isWrittenTime } from './cursor.js';
import { jobColumns, jobOf, wholeMoneyColumns, type JobRow, type JobTableRow } from './job-row.js';
import { jobsOfStatusesSql, statusesParameter } from './jobs-by-status.js';
import type { Queryable } from './pool.js';
import { jobNamespaceSql } from './tenants.js';

/** A job of whatever customer, with where its objects are in the cluster. */
export interface JobInCluster {
  job: JobRow;
  namespace: string;
  /** Absent while it holds no capacity. */
  nodeName?: string;
}

interface Row extends JobTableRow {
  namespace: string;
  node_name: string | null;
}

const inCluster = (jobs: string) => `${jobNamespaceSql('j')} as namespace, a.node_name
  from ${jobs} j left join allocations a on a.job_id = j.job_id and a.released_at is null`;

const jobInClusterOf = (row: Row): JobInCluster => ({
  job: jobOf(row),
  namespace: row.namespace,
  ...(row.node_name === null ? {} : { nodeName: row.node_name }),
});

const selectJobs = (jobs: string) => `select ${jobColumns}, ${inCluster(jobs)}`;
/** With what it costs, before a refund. */
const selectJob = `select ${jobColumns}, ${wholeMoneyColumns}, ${inCluster('jobs')}`;

/** Finds a job, whoever ordered it. Only for operators. */
export async function findAnyJob(db: Queryable, jobId: string): Promise<JobInCluster | undefined> {
  const { rows } = await db.query<Row>(`${selectJob} where j.job_id = $1`, [jobId]);
  return rows[0] && jobInClusterOf(rows[0]);
}

export interface AnyJobsFilter {
  limit: number;
  cursor?: string | undefined;
  wallet?: string | undefined;
  providerId?: string | undefined;
  statuses?: readonly JobStatus[] | undefined;
  /** Since the order. */
  olderThanS?: number | undefined;
}

/**
 * The jobs of all customers, newest first. Only for operators.
 *
 * @throws BrokerError `validation_failed` for a cursor that is not of this list.
 */
export async function listAnyJobs(
  db: Queryable,
  { limit, cursor, wallet, providerId, statuses, olderThanS }: AnyJobsFilter,
): Promise<{ jobs: JobInCluster[]; nextCursor?: string }> {
  const [createdAt, jobId] = cursor === undefined ? [] : decodeCursor(cursor, isWrittenTime, isUuid);
  const where = `($1::text is null or j.wallet = $1) and ($2::text is null or j.provider_id = $2)
        and ($4::float8 is null or j.created_at < now() - make_interval(secs => $4))
        and ($5::timestamptz is null or (j.created_at, j.job_id) < ($5, $6::uuid))`;
  const { rows } = await db.query<Row>(
    `${selectJobs(statuses === undefined ? 'jobs' : `(${jobsOfStatusesSql(where, '$3', '$7')})`)}
      where ${statuses === undefined ? where : 'true'} and ($3::text[] is null or j.status = any ($3))
      order by j.created_at desc, j.job_id desc
      limit $7`,
    [
      wallet ?? null,
      providerId ?? null,
      statusesParameter(statuses),
      olderThanS ?? null,
      createdAt ?? null,
      jobId ?? null,
      limit + 1,
    ],
  );
  const jobs = rows.slice(0, limit).map(jobInClusterOf);
  const last = jobs.at(-1)?.job;
  return {
    jobs,
    ...(rows.length > limit && last !== undefined
      ? { nextCursor: encodeCursor(last.createdAt.toISOString(), last.jobId) }
      : {}),
  };
}
