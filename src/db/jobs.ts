import type { Pool } from 'pg';
import type { JobPort } from '../domain/job-ports.js';
import type { ProgramRules, ProgramSpec } from '../domain/job-program.js';
import type { JobRequest } from '../domain/job-request.js';
import type { ResolvedImage } from '../domain/resolved-image.js';
import type { RegistryAuth } from '../domain/registry-auth.js';
import { readRates, writtenRates, type QuotedRate } from '../domain/quote.js';
import type { UsedTemplate } from '../domain/job-templates.js';
import { isUuid } from '../domain/uuid.js';
import { decodeCursor, encodeCursor, isWrittenTime } from './cursor.js';
import { jobColumns, jobOf, moneyColumns, wholeMoneyColumns, type JobRow, type JobTableRow } from './job-row.js';
import { jobsOfStatusesSql, statusesParameter } from './jobs-by-status.js';
import { priceOfRateSql } from './offers.js';
import type { Queryable, Transaction } from './pool.js';
import { jobToken } from './job-tokens.js';
import { prepared } from './prepared.js';
import { jobNamespaceSql } from './tenants.js';
import type { JobStatus } from '../wire/statuses.js';

export type { JobRow } from './job-row.js';

export interface NewJob extends Omit<JobRequest, 'excludeProviders' | 'program' | 'ports'> {
  excludeProviders?: readonly string[];
  ports?: readonly JobPort[];
  /** What they cost: base units per hour. */
  portsRate?: string;
  /** Of the key that the token of its program is made with. */
  tokenKey?: number;
  program?: ProgramRules;
  jobId: string;
  wallet: string;
  sessionId: string;
  idempotencyKey?: string;
  /** The hash of the request, to tell a repeat from a different order under the same key. */
  requestSha256: string;
  /** The highest acceptable rate in base units per hour; the customer's own maximum when absent. */
  maxRate?: string;
  /** What its image's registry said about it. */
  resolved?: ResolvedImage;
  /** What its quote promises. */
  quoted?: readonly QuotedRate[];
  programSpec?: ProgramSpec;
  /** The reserved base units. */
  reservedAmount: bigint;
}

/**
 * Inserts an order. If its wallet has already used the Idempotency-Key, returns that job instead and writes nothing.
 */
export async function insertJob(tx: Transaction, job: NewJob): Promise<{ job: JobRow; created: boolean }> {
  const { rows } = await tx.query<JobTableRow>(
    prepared(`insert into jobs as j (job_id, wallet, session_id, idempotency_key, request_sha256, job_name, image, gpu_type,
                            requested_provider, gpu_count, cpu_cores, memory_mb, storage_gb, duration_s,
                            requested_max_price, ssh_public_keys, env, reserved_amount, max_price_per_hour,
                            min_vram_gb, min_cuda, architecture, shm_mb, excluded_providers, quoted_rates,
                            any_gpu_type, takes_ssh_keys, image_digest, image_size_bytes, registry_auth,
                            program, program_restart, ends_with_program,
                            ports, port_count, ports_rate, template, token_key)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15::numeric, $16, $17, $18,
             coalesce(${priceOfRateSql('$19')}, $15::numeric), $20, $21, $22, $23, $24, $25,
             $8::text is null and $10::int > 0, true, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36)
     on conflict (wallet, idempotency_key) do nothing
     returning ${jobColumns}`),
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
      job.quoted === undefined ? null : JSON.stringify(writtenRates(job.quoted)),
      job.resolved?.digest ?? null,
      job.resolved?.sizeBytes ?? null,
      job.registryAuth === undefined ? null : JSON.stringify(job.registryAuth),
      job.programSpec === undefined ? null : JSON.stringify(job.programSpec),
      job.program?.restart ?? null,
      job.program?.endsJob ?? null,
      job.ports === undefined ? null : JSON.stringify(job.ports),
      job.ports?.length ?? 0,
      job.portsRate ?? null,
      job.template === undefined ? null : JSON.stringify(job.template),
      job.tokenKey ?? null,
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
 * A wallet's current usage: its unfinished jobs, how many of them were never ready, their GPUs and their ports. Locks the wallet
 * until the transaction ends, so that concurrent orders cannot exceed a quota together.
 */
export async function lockUsage(
  tx: Transaction,
  wallet: string,
): Promise<{ jobs: number; starting: number; gpus: number; ports: number }> {
  await tx.query(prepared(`select pg_advisory_xact_lock(hashtextextended('jobs of ' || $1, 0))`), [wallet]);
  const { rows } = await tx.query<{ jobs: number; starting: number; gpus: number; ports: number }>(
    prepared(`select count(*)::int as jobs, count(*) filter (where started_at is null)::int as starting,
            coalesce(sum(gpu_count), 0)::int as gpus, coalesce(sum(port_count), 0)::int as ports
       from jobs where wallet = $1 and ended_at is null`),
    [wallet],
  );
  return rows[0]!;
}

/** Finds a job of the wallet; other wallets' jobs are not found. */
export async function findJob(db: Queryable, wallet: string, jobId: string): Promise<JobRow | undefined> {
  const { rows } = await db.query<JobTableRow>(
    prepared(`select ${jobColumns}, ${wholeMoneyColumns} from jobs j where j.job_id = $1 and j.wallet = $2`),
    [jobId, wallet],
  );
  return rows[0] && jobOf(rows[0]);
}

/** Which of a wallet's jobs a list has; what is absent does not narrow it. */
export interface JobFilter {
  statuses?: readonly JobStatus[];
  /** Exactly. */
  name?: string;
  providerId?: string;
  /** Ordered at this time or later. */
  since?: Date;
}

/**
 * A wallet's own jobs, newest first.
 *
 * @throws BrokerError `validation_failed` for a cursor that is not of this list.
 */
export async function listJobs(
  db: Queryable,
  wallet: string,
  { limit, cursor, statuses, name, providerId, since }: { limit: number; cursor?: string } & JobFilter,
): Promise<{ jobs: JobRow[]; nextCursor?: string }> {
  const [createdAt, jobId] = cursor === undefined ? [] : decodeCursor(cursor, isWrittenTime, isUuid);
  const where = `j.wallet = $1 and ($3::timestamptz is null or (j.created_at, j.job_id) < ($3, $4::uuid))
        and ($6::text is null or j.job_name = $6) and ($7::text is null or j.provider_id = $7)
        and ($8::timestamptz is null or j.created_at >= $8)`;
  const { rows } = await db.query<JobTableRow>(
    `select ${jobColumns}, ${moneyColumns}
       from ${statuses === undefined ? 'jobs' : `(${jobsOfStatusesSql(where, '$2', '$5')})`} j
      where ${statuses === undefined ? where : 'true'} and ($2::text[] is null or j.status = any ($2))
      order by j.created_at desc, j.job_id desc
      limit $5`,
    [
      wallet,
      statusesParameter(statuses),
      createdAt ?? null,
      jobId ?? null,
      limit + 1,
      name ?? null,
      providerId ?? null,
      since ?? null,
    ],
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

/** Jobs by their ids, whosever they are. */
export async function findJobs(db: Queryable, jobIds: readonly string[]): Promise<Map<string, JobRow>> {
  const { rows } = await db.query<JobTableRow>(
    `select ${jobColumns}, ${moneyColumns} from jobs j where j.job_id = any ($1::uuid[])`,
    [jobIds],
  );
  return new Map(rows.map((row) => [row.job_id, jobOf(row)]));
}

/** What a job's pod is made of besides its order. An ended job has only its keys. */
export interface StoredInputs {
  sshPublicKeys: string[];
  env: Record<string, string>;
  registryAuth?: RegistryAuth;
  program?: ProgramSpec;
}

/** The customer's inputs to a job's pod, and the token of its program among its variables. */
export async function jobInputs(db: Pool, jobId: string): Promise<StoredInputs> {
  const { rows } = await db.query<{
    ssh_public_keys: string[];
    env: Record<string, string>;
    registry_auth: RegistryAuth | null;
    program: ProgramSpec | null;
    template: UsedTemplate | null;
    token_key: number | null;
  }>(
    prepared(`select ssh_public_keys, env, registry_auth, program, case when ended_at is null then template end as template, token_key
       from jobs where job_id = $1`),
    [jobId],
  );
  const [row] = rows;
  const { template, token_key: tokenKey } = row ?? {};
  const token = template?.token && (await jobToken(db, { jobId, tokenKey: tokenKey ?? undefined }));
  return {
    sshPublicKeys: row?.ssh_public_keys ?? [],
    env: { ...row?.env, ...(token === undefined ? {} : { [template!.token!.variable]: token }) },
    ...(row?.registry_auth == null ? {} : { registryAuth: row.registry_auth }),
    ...(row?.program == null ? {} : { program: row.program }),
  };
}

/** What the quote promises that a job was ordered with; nothing for an order without one. */
export async function quotedRates(db: Queryable, jobId: string): Promise<QuotedRate[]> {
  const { rows } = await db.query<{ quoted_rates: [string, string, string][] | null }>(
    prepared('select quoted_rates from jobs where job_id = $1'),
    [jobId],
  );
  return readRates(rows[0]?.quoted_rates ?? []);
}

/** Writes that the workflow of a job has decided to end it, and removes its pod from here on. */
export async function beginRemoval(db: Queryable, jobId: string): Promise<void> {
  await db.query(
    prepared('update jobs set removal_begun_at = clock_timestamp() where job_id = $1 and removal_begun_at is null'),
    [jobId],
  );
}

/** Whether the workflow of a job removes its pod by itself, or has done so. */
export async function isBeingRemoved(db: Queryable, jobId: string): Promise<boolean> {
  const { rowCount } = await db.query(prepared('select from jobs where job_id = $1 and removal_begun_at is not null'), [
    jobId,
  ]);
  return rowCount === 1;
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
