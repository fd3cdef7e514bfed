import { isUuid } from '../domain/uuid.js';
import type { JobStatus } from '../wire/statuses.js';
import { decodeCursor, encodeCursor, isWrittenTime } from './cursor.js';
import type { Queryable } from './pool.js';

/** A job as the owner of its machine sees it: not whose it is, nor what it runs. */
export interface ProviderJob {
  jobId: string;
  status: JobStatus;
  gpuType?: string;
  gpuCount: number;
  createdAt: Date;
  startedAt?: Date;
  expiresAt?: Date;
  endedAt?: Date;
  pricePerHour?: number;
  /** Base units that were charged. */
  earned: bigint;
  /** Base units that are held while it runs. */
  pending: bigint;
}

interface Row {
  job_id: string;
  status: JobStatus;
  gpu_type: string | null;
  gpu_count: number;
  created_at: Date;
  started_at: Date | null;
  expires_at: Date | null;
  ended_at: Date | null;
  price_per_hour: number | null;
  earned: string;
  pending: string;
}

/**
 * The jobs at a provider, newest first; `live` leaves out those that have ended.
 *
 * @throws BrokerError `validation_failed` for a cursor that is not of this list.
 */
export async function listProviderJobs(
  db: Queryable,
  providerId: string,
  { limit, cursor, live }: { limit: number; cursor?: string | undefined; live: boolean },
): Promise<{ jobs: ProviderJob[]; nextCursor?: string }> {
  const [createdAt, jobId] = cursor === undefined ? [] : decodeCursor(cursor, isWrittenTime, isUuid);
  const { rows } = await db.query<Row>(
    `select j.job_id, j.status, case when j.gpu_count > 0 then j.gpu_type end as gpu_type, j.gpu_count, j.created_at,
            j.started_at, j.expires_at, j.ended_at, j.price_per_hour::float8 as price_per_hour,
            coalesce(c.earned, 0)::text as earned, coalesce(c.pending, 0)::text as pending
       from jobs j, lateral (
         select sum(spent) as earned, sum(reserved) filter (where settled_at is null) as pending
           from auth_charges where job_id = j.job_id) c
      where j.provider_id = $1 and (not $5::boolean or j.ended_at is null)
        and ($2::timestamptz is null or (j.created_at, j.job_id) < ($2, $3::uuid))
      order by j.created_at desc, j.job_id desc
      limit $4`,
    [providerId, createdAt ?? null, jobId ?? null, limit + 1, live],
  );
  const jobs = rows.slice(0, limit).map(jobOf);
  const last = jobs.at(-1);
  return {
    jobs,
    ...(rows.length > limit && last !== undefined
      ? { nextCursor: encodeCursor(last.createdAt.toISOString(), last.jobId) }
      : {}),
  };
}

function jobOf(row: Row): ProviderJob {
  return {
    jobId: row.job_id,
    status: row.status,
    ...(row.gpu_type === null ? {} : { gpuType: row.gpu_type }),
    gpuCount: row.gpu_count,
    createdAt: row.created_at,
    ...(row.started_at === null ? {} : { startedAt: row.started_at }),
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
    ...(row.price_per_hour === null ? {} : { pricePerHour: row.price_per_hour }),
    earned: BigInt(row.earned),
    pending: BigInt(row.pending),
  };
}
