import type { JobOrder, Placement, SshAccess } from '../domain/job.js';
import { jobColumns, jobOf, orderOfJob, type JobRow, type JobTableRow } from './job-row.js';
import { rateOfPriceSql } from './offers.js';
import type { Queryable } from './pool.js';
import { jobNamespaceSql } from './tenants.js';
import type { JobStatus } from '../wire/statuses.js';

/** Rows per page; the caller continues after the last id. */
const pageSize = 2_000;

/** Ids of unfinished jobs, one page at a time in id order. `olderThanS` excludes the newest. */
export async function openJobIds(db: Queryable, olderThanS: number, after?: string): Promise<string[]> {
  const { rows } = await db.query<{ job_id: string }>(
    `select job_id from jobs
      where ended_at is null and created_at < now() - make_interval(secs => $1)
        and ($2::uuid is null or job_id > $2)
      order by job_id limit $3`,
    [olderThanS, after ?? null, pageSize],
  );
  return rows.map(({ job_id }) => job_id);
}

/** The unfinished jobs among these ids. */
export async function openAmong(db: Queryable, jobIds: readonly string[]): Promise<Set<string>> {
  const { rows } = await db.query<{ job_id: string }>(
    'select job_id from jobs where job_id = any ($1::uuid[]) and ended_at is null',
    [jobIds],
  );
  return new Set(rows.map(({ job_id }) => job_id));
}

/** An unfinished job with everything that its workflow would know. */
export interface OpenJob {
  order: JobOrder;
  status: JobStatus;
  createdAt: Date;
  /** What it holds, if it holds anything. */
  placement?: Placement;
  /** Present for a running job. */
  running?: { ssh: SshAccess; podUid: string; startedAt: Date; expiresAt: Date };
  /** Last sign of life of the provider it is placed at, while that is away. */
  providerAwaySince?: Date;
  /** The provider is being drained, as far as its row tells: by this time, or with its last job. */
  drain?: { until?: Date };
}

/** @returns undefined for a job that has ended or was never ordered. */
export async function findOpenJob(db: Queryable, jobId: string): Promise<OpenJob | undefined> {
  const { rows } = await db.query<
    JobTableRow & {
      pod_uid: string | null;
      held_at: string | null;
      held_node: string | null;
      held_type: string | null;
      held_model: string | null;
      held_resource: string | null;
      held_price: number | null;
      held_rate: string | null;
      away_since: Date | null;
      drain_until: Date | null;
      retiring: boolean;
    }
  >(
    `select ${jobColumns}, j.pod_uid, a.provider_id as held_at, a.node_name as held_node, a.gpu_type as held_type,
            a.gpu_model as held_model, a.gpu_resource as held_resource, a.price_per_hour::float8 as held_price,
            ${rateOfPriceSql('a.price_per_hour')}::text as held_rate,
            case when p.status = 'offline' then case when p.heartbeat_alive then coalesce(h.node_ready_at, p.updated_at)
                 else coalesce(h.last_heartbeat, p.updated_at) end end as away_since,
            p.drain_until, coalesce(p.retiring, false) as retiring
       from jobs j
       left join allocations a on a.job_id = j.job_id and a.released_at is null
       left join providers p on p.provider_id = a.provider_id
       left join provider_heartbeats h on h.provider_id = p.provider_id
      where j.job_id = $1 and j.ended_at is null`,
    [jobId],
  );
  const row = rows[0];
  if (row === undefined) return undefined;
  const job = jobOf(row);
  const running = runningOf(job, row.pod_uid);
  return {
    order: orderOfJob(job),
    status: job.status,
    createdAt: job.createdAt,
    ...(row.held_at === null || row.held_node === null
      ? {}
      : {
          placement: {
            providerId: row.held_at,
            nodeName: row.held_node,
            ...(row.held_type === null ? {} : { gpuType: row.held_type, gpuModel: row.held_model ?? row.held_type }),
            ...(row.held_resource === null ? {} : { gpuResource: row.held_resource }),
            pricePerHour: row.held_price ?? 0,
            ...(row.held_rate === null ? {} : { rate: row.held_rate }),
          },
        }),
    ...(running === undefined ? {} : { running }),
    ...(row.away_since === null ? {} : { providerAwaySince: row.away_since }),
    ...(row.drain_until === null ? (row.retiring ? { drain: {} } : {}) : { drain: { until: row.drain_until } }),
  };
}

function runningOf({ status, ssh, startedAt, expiresAt }: JobRow, podUid: string | null): OpenJob['running'] {
  if (
    status !== 'running' ||
    ssh === undefined ||
    startedAt === undefined ||
    expiresAt === undefined ||
    podUid === null
  ) {
    return undefined;
  }
  return { ssh, podUid, startedAt, expiresAt };
}

/** A running job and its pod. */
export interface RunningPod {
  jobId: string;
  namespace: string;
  podUid: string;
}

/** Jobs running for longer than `olderThanS`, one page at a time in id order. */
export async function runningPods(db: Queryable, olderThanS: number, after?: string): Promise<RunningPod[]> {
  return await selectRunning(
    db,
    `and started_at < now() - make_interval(secs => $1) and ($2::uuid is null or job_id > $2) order by job_id limit $3`,
    [olderThanS, after ?? null, pageSize],
  );
}

/** The running jobs among these ids. */
export async function runningAmong(db: Queryable, jobIds: readonly string[]): Promise<RunningPod[]> {
  return await selectRunning(db, 'and job_id = any ($1::uuid[])', [jobIds]);
}

async function selectRunning(db: Queryable, condition: string, values: unknown[]): Promise<RunningPod[]> {
  const { rows } = await db.query<{ job_id: string; namespace: string; pod_uid: string }>(
    `select job_id, ${jobNamespaceSql('jobs')} as namespace, pod_uid
       from jobs where status = 'running' and ended_at is null and pod_uid is not null ${condition}`,
    values,
  );
  return rows.map((row) => ({ jobId: row.job_id, namespace: row.namespace, podUid: row.pod_uid }));
}
