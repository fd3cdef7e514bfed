import type { BilledTime } from '../domain/billing.js';
import { BrokerError } from '../domain/errors.js';
import type { JobFailure, Placement, SshAccess } from '../domain/job.js';
import type { JobRequest } from '../domain/job-request.js';
import type { Printable } from '../domain/outside.js';
import { isUuid } from '../domain/uuid.js';
import { decodeCursor, encodeCursor, isWrittenTime } from './cursor.js';
import { jobColumns, jobOf, type JobRow, type JobTableRow } from './job-row.js';
import { priceOfRateSql, rateOfPriceSql } from './offers.js';
import type { Queryable, Transaction } from './pool.js';
import { jobNamespaceSql } from './tenants.js';
import type { ErrorCode } from '../wire/error-codes.js';
import type { FinalJobStatus, JobStatus } from '../wire/statuses.js';

export type { JobRow } from './job-row.js';

export interface NewJob extends Omit<JobRequest, 'excludeProviders'> {
  excludeProviders?: readonly string[];
  jobId: string;
  wallet: string;
  sessionId: string;
  idempotencyKey?: string;
  /** The hash of the request, to tell a repeat from a different order under the same key. */
  requestSha256: string;
  /** The highest acceptable rate in base units per hour; the customer's own maximum when absent. */
  maxRate?: string;
  /** The reserved base units. */
  reservedAmount: bigint;
}

/**
 * Inserts an order. If its wallet has already used the Idempotency-Key, returns that job instead and writes nothing.
 */
export async function insertJob(tx: Transaction, job: NewJob): Promise<{ job: JobRow; created: boolean }> {
  const { rows } = await tx.query<JobTableRow>(
    `insert into jobs as j (job_id, wallet, session_id, idempotency_key, request_sha256, job_name, image, gpu_type,
                            requested_provider, gpu_count, cpu_cores, memory_mb, storage_gb, duration_s,
                            requested_max_price, ssh_public_keys, env, reserved_amount, max_price_per_hour,
                            min_vram_gb, min_cuda, architecture, shm_mb, excluded_providers, any_gpu_type)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::numeric, $16, $17, $18,
             coalesce(${priceOfRateSql('$19')}, $15::numeric), $20, $21, $22, $23, $24,
             $8::text is null and $10::int > 0)
     on conflict (wallet, idempotency_key) do nothing
     returning ${jobColumns}`,
    [
      job.jobId,
      job.wallet,
      job.sessionId,
      job.idempotencyKey ?? null,
      job.requestSha256,
      job.jobName ?? null,
      job.image,
      job.gpuType ?? null,
      job.providerId ?? null,
      job.gpuCount,
      job.cpuCores,
      job.memoryMb,
      job.storageGb,
      job.durationSeconds,
      job.maxPricePerHour ?? null,
      job.sshPublicKeys,
      JSON.stringify(job.env),
      job.reservedAmount.toString(),
      job.maxRate ?? null,
      job.minVramGb ?? null,
      job.minCuda ?? null,
      job.architecture ?? null,
      job.shmMb ?? null,
      job.excludeProviders ?? [],
    ],
  );
  if (rows[0] !== undefined) return { job: jobOf(rows[0]), created: true };
  const { rows: known } = await tx.query<JobTableRow>(
    `select ${jobColumns} from jobs j where j.wallet = $1 and j.idempotency_key = $2`,
    [job.wallet, job.idempotencyKey ?? null],
  );
  return { job: jobOf(known[0]!), created: false };
}

/** The job that a wallet ordered under an Idempotency-Key, if any. */
export async function findJobByKey(db: Queryable, wallet: string, idempotencyKey: string): Promise<JobRow | undefined> {
  const { rows } = await db.query<JobTableRow>(
    `select ${jobColumns} from jobs j where j.wallet = $1 and j.idempotency_key = $2`,
    [wallet, idempotencyKey],
  );
  return rows[0] && jobOf(rows[0]);
}

/**
 * A wallet's current usage: its unfinished jobs, how many of them were never ready, and their GPUs. Locks the wallet
 * until the transaction ends, so that concurrent orders cannot exceed a quota together.
 */
export async function lockUsage(
  tx: Transaction,
  wallet: string,
): Promise<{ jobs: number; starting: number; gpus: number }> {
  await tx.query(`select pg_advisory_xact_lock(hashtextextended('jobs of ' || $1, 0))`, [wallet]);
  const { rows } = await tx.query<{ jobs: number; starting: number; gpus: number }>(
    `select count(*)::int as jobs, count(*) filter (where started_at is null)::int as starting,
            coalesce(sum(gpu_count), 0)::int as gpus
       from jobs where wallet = $1 and ended_at is null`,
    [wallet],
  );
  return rows[0]!;
}

/** Finds a job of the wallet; other wallets' jobs are not found. */
export async function findJob(db: Queryable, wallet: string, jobId: string): Promise<JobRow | undefined> {
  const { rows } = await db.query<JobTableRow>({
    name: 'job-of-wallet',
    text: `select ${jobColumns} from jobs j where j.job_id = $1 and j.wallet = $2`,
    values: [jobId, wallet],
  });
  return rows[0] && jobOf(rows[0]);
}

/**
 * A wallet's own jobs, newest first.
 *
 * @throws BrokerError `validation_failed` for a cursor that is not of this list.
 */
export async function listJobs(
  db: Queryable,
  wallet: string,
  { limit, status, cursor }: { limit: number; status?: JobStatus; cursor?: string },
): Promise<{ jobs: JobRow[]; nextCursor?: string }> {
  const [createdAt, jobId] = cursor === undefined ? [] : decodeCursor(cursor, isWrittenTime, isUuid);
  const { rows } = await db.query<JobTableRow>(
    `select ${jobColumns} from jobs j
      where j.wallet = $1 and ($2::text is null or j.status = $2)
        and ($3::timestamptz is null or (j.created_at, j.job_id) < ($3, $4::uuid))
      order by j.created_at desc, j.job_id desc
      limit $5`,
    [wallet, status ?? null, createdAt ?? null, jobId ?? null, limit + 1],
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

/** The customer's inputs to a job's pod. An ended job has no variables any more. */
export async function jobInputs(
  db: Queryable,
  jobId: string,
): Promise<{ sshPublicKeys: string[]; env: Record<string, string> }> {
  const { rows } = await db.query<{ ssh_public_keys: string[]; env: Record<string, string> }>(
    'select ssh_public_keys, env from jobs where job_id = $1',
    [jobId],
  );
  return { sshPublicKeys: rows[0]?.ssh_public_keys ?? [], env: rows[0]?.env ?? {} };
}

/** An unfinished job, as the watcher and the reconciler see it. */
export interface LiveJob {
  jobId: string;
  namespace: string;
  status: JobStatus;
  podUid?: string;
}

export async function liveJobs(db: Queryable): Promise<LiveJob[]> {
  const { rows } = await db.query<{ job_id: string; namespace: string; status: JobStatus; pod_uid: string | null }>(
    `select job_id, ${jobNamespaceSql('jobs')} as namespace, status, pod_uid from jobs where ended_at is null`,
  );
  return rows.map((row) => ({
    jobId: row.job_id,
    namespace: row.namespace,
    status: row.status,
    ...(row.pod_uid === null ? {} : { podUid: row.pod_uid }),
  }));
}

// Writes by a job's workflow. Each statement only moves a job forward: a late attempt finds the job further on and
// changes nothing.

export async function markProvisioning(db: Queryable, jobId: string, placement: Placement): Promise<void> {
  await db.query(
    `update jobs set status = 'provisioning', provider_id = $2, gpu_type = coalesce($3, gpu_type), gpu_model = $4,
                     price_per_hour = coalesce(${priceOfRateSql('$6')}, $5::numeric),
                     rate = coalesce($6::numeric, ${rateOfPriceSql('$5::numeric')}), updated_at = clock_timestamp()
      where job_id = $1 and status = 'pending'`,
    [
      jobId,
      placement.providerId,
      placement.gpuType ?? null,
      placement.gpuModel ?? null,
      placement.pricePerHour,
      placement.rate ?? null,
    ],
  );
}

/** Returns a job to waiting for capacity after its machine failed to start it; the message tells its customer why. */
export async function markMoving(db: Queryable, jobId: string, message: Printable): Promise<void> {
  await db.query(
    `update jobs set status = 'pending', provider_id = null, gpu_model = null, price_per_hour = null, rate = null,
                     message = $2, updated_at = clock_timestamp()
      where job_id = $1 and status in ('pending', 'provisioning')`,
    [jobId, message],
  );
}

export async function markRunning(
  db: Queryable,
  jobId: string,
  running: { ssh: SshAccess; podUid: string; startedAt: Date; expiresAt: Date },
): Promise<void> {
  await db.query(
    `update jobs set status = 'running', message = '', ssh_host = $2, ssh_port = $3, ssh_host_key = $4, pod_uid = $5, started_at = $6,
                     expires_at = $7, updated_at = clock_timestamp()
      where job_id = $1 and status in ('pending', 'provisioning')`,
    [
      jobId,
      running.ssh.host,
      running.ssh.port,
      running.ssh.hostKey ?? null,
      running.podUid,
      running.startedAt,
      running.expiresAt,
    ],
  );
}

/**
 * Extends a running job. Its charge must be locked. The database computes the new expiry.
 *
 * @throws BrokerError `job_ended`
 */
export async function markExtended(tx: Queryable, jobId: string, seconds: number): Promise<Date> {
  const { rows } = await tx.query<{ expires_at: Date }>(
    `update jobs set expires_at = expires_at + make_interval(secs => $2), updated_at = clock_timestamp()
      where job_id = $1 and status = 'running' returning expires_at`,
    [jobId, seconds],
  );
  if (rows[0] === undefined) throw new BrokerError('job_ended', 'the job has ended');
  return rows[0].expires_at;
}

/** Sets the message that the customer of a running job sees. */
export async function markMessage(db: Queryable, jobId: string, message: string): Promise<void> {
  await db.query(
    `update jobs set message = $2, updated_at = clock_timestamp() where job_id = $1 and status = 'running'`,
    [jobId, message],
  );
}

export async function markEnding(db: Queryable, jobId: string, message: Printable): Promise<void> {
  await db.query(
    `update jobs set status = 'ending', message = $2, updated_at = clock_timestamp()
      where job_id = $1 and ended_at is null`,
    [jobId, message],
  );
}

/** The final values of an ended job's row. */
export interface JobOutcome {
  status: FinalJobStatus;
  message: Printable;
  failure?: JobFailure;
  billed?: Pick<BilledTime, 'servedUntilMs' | 'billedMs'>;
}

/** Closes a job and deletes its environment variables, which may be secret. */
export async function markEnded(
  db: Queryable,
  jobId: string,
  { status, message, failure, billed }: JobOutcome,
): Promise<void> {
  const reason: ErrorCode | null = failure?.reason ?? null;
  await db.query(
    `update jobs set status = $2, message = $3, failure_reason = $4, failure_message = $5, failure_cause = $6, failure_words = $9,
                     env = '{}',
                     served_until = case when started_at is not null then $7::timestamptz(3) end, billed_ms = $8,
                     ended_at = clock_timestamp(), updated_at = clock_timestamp()
      where job_id = $1 and ended_at is null`,
    [
      jobId,
      status,
      message,
      reason,
      failure?.message ?? null,
      failure?.cause ?? null,
      billed === undefined ? null : new Date(billed.servedUntilMs),
      billed?.billedMs ?? null,
      failure?.words ?? null,
    ],
  );
}
