import type { Architecture } from '../domain/gpu-needs.js';
import type { FailureCause, GapCause, JobFailure, JobOrder, SshAccess } from '../domain/job.js';
import type { JobPort, OpenedPort } from '../domain/job-ports.js';
import type { UsedTemplate } from '../domain/job-templates.js';
import { sentence } from '../domain/outside.js';
import { rulesOf, type ProgramState } from '../domain/job-program.js';
import type { JobMoney } from '../domain/job-cost.js';
import { priceOf } from '../domain/pricing.js';
import { rateOfPriceSql } from './offers.js';
import { isErrorCode } from '../wire/error-codes.js';
import { jobEnders, type JobEnder } from '../wire/job-events.js';
import type { JobStatus } from '../wire/statuses.js';

/** A job as its customer may see it. Prices are token units per hour for the whole job. */
export interface JobRow {
  jobId: string;
  wallet: string;
  requestSha256: string;
  jobName?: string;
  image: string;
  /** What its registry said when it was ordered. */
  imageDigest?: string;
  imageSizeBytes?: number;
  gpuType?: string;
  /** True if its customer named no GPU type; `gpuType` is then that of the placement. */
  anyGpuType?: true;
  minVramGb?: number;
  minCuda?: number;
  architecture?: Architecture;
  requestedProvider?: string;
  excludedProviders?: string[];
  gpuCount: number;
  cpuCores: number;
  memoryMb: number;
  /** As ordered. */
  shmMb?: number;
  storageGb: number;
  /** Present if the order has a main program. */
  program?: ProgramState;
  ports?: readonly JobPort[];
  /** What they cost: base units per hour. */
  portsRate?: string;
  template?: UsedTemplate;
  /** Of the key that its token was made with. */
  tokenKey?: number;
  durationS: number;
  /** As ordered. */
  maxPricePerHour?: number;
  /** The reserved base units per hour. */
  maxRate?: string;
  status: JobStatus;
  /** The last step that was written down. */
  phase?: string;
  message: string;
  sessionId?: string;
  endedBy?: JobEnder;
  /** Present in what `findJob` and the lists of a wallet's jobs return. */
  money?: JobMoney;
  providerId?: string;
  gpuModel?: string;
  pricePerHour?: number;
  ssh?: SshAccess;
  failure?: JobFailure;
  createdAt: Date;
  startedAt?: Date;
  expiresAt?: Date;
  endedAt?: Date;
  updatedAt?: Date;
}

export interface JobTableRow {
  job_id: string;
  wallet: string;
  request_sha256: string;
  job_name: string | null;
  image: string;
  image_digest: string | null;
  image_size_bytes: number | null;
  gpu_type: string | null;
  any_gpu_type: boolean;
  min_vram_gb: number | null;
  min_cuda: number | null;
  architecture: Architecture | null;
  requested_provider: string | null;
  excluded_providers: string[];
  gpu_count: number;
  cpu_cores: number;
  memory_mb: number;
  shm_mb: number | null;
  storage_gb: number;
  program_restart: ProgramState['restart'] | null;
  ends_with_program: boolean | null;
  program_exit_code: number | null;
  ports: JobPort[] | null;
  ports_rate: string | null;
  opened_ports: OpenedPort[] | null;
  template: UsedTemplate | null;
  token_key: number | null;
  duration_s: number;
  requested_max_price: number | null;
  max_rate: string | null;
  status: JobStatus;
  message: string;
  provider_id: string | null;
  gpu_model: string | null;
  price_per_hour: number | null;
  ssh_host: string | null;
  ssh_port: number | null;
  ssh_host_key: string | null;
  failure_reason: string | null;
  failure_message: string | null;
  failure_cause: FailureCause | null;
  created_at: Date;
  started_at: Date | null;
  expires_at: Date | null;
  ended_at: Date | null;
  updated_at: Date;
  phase: string | null;
  session_id: string | null;
  ended_by: string | null;
  rate: string | null;
  fee_bps: number | null;
  billed_ms: number | null;
  away_since: Date | null;
  /** Only with `moneyColumns`. */
  money?: { reserved: string; spent: string; gaps: [number, number, GapCause][]; all: boolean; receipt: string | null };
}

/** Without the environment, the program, SSH keys and the login at the registry, which no response needs. */
export const jobColumns = `j.job_id, j.wallet, j.request_sha256, j.job_name, j.image, j.image_digest,
  j.image_size_bytes::float8 as image_size_bytes, j.gpu_type, j.any_gpu_type, j.requested_provider,
  j.excluded_providers, j.min_vram_gb::float8 as min_vram_gb, j.min_cuda, j.architecture, j.gpu_count, j.cpu_cores, j.memory_mb, j.shm_mb,
  j.storage_gb, j.duration_s, j.program_restart, j.ends_with_program, j.program_exit_code, j.ports, j.ports_rate::text as ports_rate,
  j.opened_ports, j.template, j.token_key,
  j.requested_max_price::float8 as requested_max_price, ${rateOfPriceSql('j.max_price_per_hour')}::text as max_rate,
  j.status, j.message, j.provider_id, j.gpu_model,
  j.price_per_hour::float8 as price_per_hour, j.ssh_host, j.ssh_port, j.ssh_host_key, j.failure_reason, j.failure_message,
  j.failure_cause,
  j.created_at, j.started_at, j.expires_at, j.ended_at, j.updated_at, j.phase, j.session_id, j.ended_by,
  coalesce(j.rate, trunc(j.price_per_hour * 10::numeric ^ 18))::numeric(78, 0)::text as rate, j.fee_bps,
  j.billed_ms::float8 as billed_ms, j.away_since`;

/**
 * What the ledger holds of a job, and the gaps in its service; the numbers are text, as JSON has none that large.
 *
 * @param gaps whether a job that has ended has its gaps, too, which nothing is worked out from any more.
 */
const moneySql = (gaps: 'of all' | 'of live ones') => `(
    select jsonb_build_object(
             'reserved', coalesce(sum(c.reserved) filter (where c.settled_at is null), 0)::text,
             'spent', coalesce(sum(c.spent), 0)::text,
             'receipt', (select '0x' || encode(r.digest, 'hex') from receipts r
                          where r.job_id = j.job_id order by r.revision desc limit 1),
             'gaps', coalesce((select jsonb_agg(jsonb_build_array((extract(epoch from g.from_at) * 1000)::bigint,
                                                                  (extract(epoch from g.to_at) * 1000)::bigint, g.cause)
                                                 order by g.from_at)
                                 from job_gaps g
                                where g.job_id = j.job_id ${gaps === 'of all' ? '' : 'and j.ended_at is null'}), '[]'),
             'all', ${gaps === 'of all'})
      from auth_charges c where c.job_id = j.job_id) as money`;

export const moneyColumns = moneySql('of live ones');
/** With everything that explains a bill. */
export const wholeMoneyColumns = moneySql('of all');

export function jobOf(row: JobTableRow): JobRow {
  return {
    jobId: row.job_id,
    wallet: row.wallet,
    requestSha256: row.request_sha256,
    ...(row.job_name === null ? {} : { jobName: row.job_name }),
    image: row.image,
    ...(row.image_digest === null ? {} : { imageDigest: row.image_digest }),
    ...(row.image_size_bytes === null ? {} : { imageSizeBytes: row.image_size_bytes }),
    ...(row.gpu_type === null ? {} : { gpuType: row.gpu_type }),
    ...(row.any_gpu_type ? { anyGpuType: true } : {}),
    ...(row.min_vram_gb === null ? {} : { minVramGb: row.min_vram_gb }),
    ...(row.min_cuda === null ? {} : { minCuda: row.min_cuda }),
    ...(row.architecture === null ? {} : { architecture: row.architecture }),
    ...(row.requested_provider === null ? {} : { requestedProvider: row.requested_provider }),
    ...(row.excluded_providers.length === 0 ? {} : { excludedProviders: row.excluded_providers }),
    gpuCount: row.gpu_count,
    cpuCores: row.cpu_cores,
    memoryMb: row.memory_mb,
    ...(row.shm_mb === null ? {} : { shmMb: row.shm_mb }),
    storageGb: row.storage_gb,
    ...programOf(row),
    ...portsOf(row),
    durationS: row.duration_s,
    ...(row.requested_max_price === null ? {} : { maxPricePerHour: row.requested_max_price }),
    ...(row.max_rate === null ? {} : { maxRate: row.max_rate }),
    status: row.status,
    message: sentence(row.message),
    ...(row.provider_id === null ? {} : { providerId: row.provider_id }),
    ...(row.gpu_model === null ? {} : { gpuModel: row.gpu_model }),
    ...(row.price_per_hour === null ? {} : { pricePerHour: row.price_per_hour }),
    ...sshOf(row),
    ...(isErrorCode(row.failure_reason)
      ? {
          failure: {
            reason: row.failure_reason,
            // Older versions wrote this text without sanitizing it.
            message: sentence(row.failure_message ?? ''),
            ...(row.failure_cause === null ? {} : { cause: row.failure_cause }),
          },
        }
      : {}),
    createdAt: row.created_at,
    ...(row.started_at === null ? {} : { startedAt: row.started_at }),
    ...(row.expires_at === null ? {} : { expiresAt: row.expires_at }),
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at }),
    updatedAt: row.updated_at,
    ...(row.phase === null ? {} : { phase: row.phase }),
    ...(row.session_id === null ? {} : { sessionId: row.session_id }),
    ...enderOf(row.ended_by),
    ...moneyOf(row),
  };
}

function enderOf(text: string | null): { endedBy?: JobEnder } {
  const endedBy = jobEnders.find((ender) => ender === text);
  return endedBy === undefined ? {} : { endedBy };
}

function moneyOf({ money, rate, fee_bps, billed_ms, away_since }: JobTableRow): { money?: JobMoney } {
  if (money === undefined) return {};
  return {
    money: {
      reserved: BigInt(money.reserved),
      spent: BigInt(money.spent),
      gaps: money.gaps.map(([fromMs, toMs, cause]) => ({ fromMs, toMs, cause })),
      hasAllGaps: money.all,
      ...(money.receipt === null ? {} : { receipt: money.receipt }),
      ...(rate === null ? {} : { rate: BigInt(rate) }),
      ...(fee_bps === null ? {} : { feeBps: fee_bps }),
      ...(billed_ms === null ? {} : { billedMs: billed_ms }),
      ...(away_since === null ? {} : { awaySinceMs: away_since.getTime() }),
    },
  };
}

function programOf(row: JobTableRow): { program?: ProgramState } {
  if (row.program_restart === null) return {};
  return {
    program: {
      restart: row.program_restart,
      endsJob: row.ends_with_program ?? false,
      ...(row.program_exit_code === null ? {} : { exitCode: row.program_exit_code }),
    },
  };
}

function portsOf(row: JobTableRow): Pick<JobRow, 'ports' | 'portsRate' | 'template' | 'tokenKey'> {
  return {
    ...(row.ports === null ? {} : { ports: row.ports }),
    ...(row.ports_rate === null ? {} : { portsRate: row.ports_rate }),
    ...(row.template === null ? {} : { template: row.template }),
    ...(row.token_key === null ? {} : { tokenKey: row.token_key }),
  };
}

/** A job started by a version that did not record host keys has no key. */
function sshOf(row: JobTableRow): { ssh?: SshAccess } {
  const { ssh_host: host, ssh_port: port, ssh_host_key: hostKey, opened_ports: opened } = row;
  if (host === null || port === null) return {};
  return {
    ssh: {
      ...{ host, port, user: 'root' },
      ...(hostKey === null ? {} : { hostKey }),
      ...(opened === null ? {} : { opened }),
    },
  };
}

/** The input of a job's workflow, built from the row so that a repeated start passes the same input. */
export function orderOfJob(job: JobRow): JobOrder {
  return {
    jobId: job.jobId,
    wallet: job.wallet,
    ...(job.requestedProvider === undefined ? {} : { providerId: job.requestedProvider }),
    ...(job.excludedProviders === undefined ? {} : { excludeProviders: job.excludedProviders }),
    ...(job.gpuType === undefined ? {} : { gpuType: job.gpuType }),
    ...(job.minVramGb === undefined ? {} : { minVramGb: job.minVramGb }),
    ...(job.minCuda === undefined ? {} : { minCuda: job.minCuda }),
    ...(job.architecture === undefined ? {} : { architecture: job.architecture }),
    gpuCount: job.gpuCount,
    cpuCores: job.cpuCores,
    memoryMb: job.memoryMb,
    ...(job.shmMb === undefined ? {} : { shmMb: job.shmMb }),
    storageGb: job.storageGb,
    image: job.image,
    ...(job.imageDigest === undefined ? {} : { imageDigest: job.imageDigest }),
    ...(job.program === undefined ? {} : { program: rulesOf(job.program) }),
    ...(job.ports === undefined ? {} : { ports: job.ports }),
    ...(job.portsRate === undefined ? {} : { portsRate: job.portsRate }),
    durationSeconds: job.durationS,
    ...(job.maxRate === undefined ? {} : { maxPricePerHour: priceOf(job.maxRate), maxRate: job.maxRate }),
  };
}
