import { z } from 'zod';
import type { JobRow } from '../../db/jobs.js';
import { gapCauses, isFinal, knownHostsLine, sharedMemoryMb, sshCommand } from '../../domain/job.js';
import { costAt, type JobMoney } from '../../domain/job-cost.js';
import { phaseOf } from '../../domain/job-phase.js';
import { priceOf } from '../../domain/pricing.js';
import { jobEnders, jobPhases, type JobEnder } from '../../wire/job-events.js';
import { jobStatuses } from '../../wire/statuses.js';
import { sshFingerprint } from '../ssh-fingerprint.js';
import { jobPortFields, portFieldsOf } from './job-ports.js';
import { jobProgram, programReplyOf } from './job-program.js';

const amount = z.string().regex(/^\d+$/);

/** A machine that comes and goes all the time has more of them than anybody reads. */
const gapsShown = 200;

/** A job as its customer sees it. Unknown values are left out. */
export const jobReply = z
  .object({
    job_id: z.uuid(),
    job_name: z.string().optional(),
    status: z.enum(jobStatuses),
    phase: z
      .enum(jobPhases)
      .describe('The last step. Those between `placed` and `ssh_ready` are told by the machine, and may be left out'),
    message: z.string().optional(),
    provider_id: z.string().optional(),
    image: z.string().describe('As it was ordered'),
    image_digest: z
      .string()
      .optional()
      .describe('What it was when it was ordered, and what runs; absent if its registry did not answer'),
    image_size_gb: z.number().optional().describe('How much of it a machine loads that has none of it yet'),
    gpu_type: z.string().optional(),
    any_gpu_type: z.boolean().describe('True if the order named no GPU type: it got the cheapest that fitted'),
    gpu_model: z.string().optional().describe("The provider's name for it"),
    gpu_count: z.int(),
    cpu_cores: z.int(),
    memory_gb: z.number(),
    shm_gb: z.number().describe('How much of the memory `/dev/shm` may use'),
    storage_gb: z.int(),
    program: jobProgram.optional().describe('Its main program, if the order has one; not what it runs'),
    ...jobPortFields,
    price_per_hour: z.number().optional().describe('For the whole job with its ports, in token units'),
    max_price_per_hour: z
      .number()
      .optional()
      .describe('The maximum in the order, or the one that the broker set from the offers of that moment'),
    session_id: z.uuid().optional().describe('The session that ordered it'),
    cost: z
      .object({
        spent: amount.describe('So far; of a job that has ended, what it cost'),
        reserved: amount.describe('Held for it in the limits of sessions; 0 after its end'),
        receipt: z.string().optional().describe('The digest of its last receipt; absent if SSH never answered'),
        per_second: amount.optional().describe('While it is served, rounded down; absent until it is placed'),
        rate_per_hour: amount.optional().describe('The same exactly, for an hour: what the bill is worked out from'),
        fee_bps: z
          .int()
          .optional()
          .describe("The platform's share in hundredths of a percent: a part of what it costs, and not added to it"),
        billed_seconds: z.number().optional().describe('The time that is paid for so far, without gaps'),
        charged: amount.describe('The rate for the billed time, rounded down: the same as `spent`'),
        final: z.boolean().describe('True once it has ended: nothing more is added'),
        as_of: z.iso.datetime().describe('When these figures held'),
        gaps: z
          .array(z.object({ from: z.iso.datetime(), to: z.iso.datetime(), cause: z.enum(gapCauses) }))
          .optional()
          .describe(`Absences of its provider that are over and not paid for, the last ${gapsShown}; not in lists`),
      })
      .optional()
      .describe('In base units'),
    ssh_host: z.string().optional(),
    ssh_port: z.int().optional(),
    ssh_user: z.string().optional(),
    ssh_command: z.string().optional(),
    ssh_host_key: z.string().optional().describe('The public host key, created for this job only'),
    ssh_host_key_fingerprint: z.string().optional().describe('As ssh shows it at the first login: `SHA256:…`'),
    known_hosts: z
      .string()
      .optional()
      .describe('A line for `~/.ssh/known_hosts`, so that no other machine can impersonate this one'),
    created_at: z.iso.datetime(),
    started_at: z.iso.datetime().optional(),
    expires_at: z.iso.datetime().optional(),
    ends_in_s: z.int().optional().describe('Seconds that are left of a running job'),
    ended_at: z.iso.datetime().optional(),
    ended_by: z
      .enum(jobEnders)
      .optional()
      .describe(
        'Who or what ended it: you, its time (`expiry`), the owner of its machine, an operator, or the loss of its machine (`provider`). Absent if it failed or ended by itself',
      ),
    failure_reason: z.string().optional(),
    failure_message: z.string().optional(),
    suggestion: z
      .object({
        action: z.enum(['increase_memory', 'increase_storage']),
        recommended_memory: z.string().optional(),
        recommended_storage: z.string().optional(),
        message: z.string(),
      })
      .optional()
      .describe('What to change in the next order, if the failure shows it'),
  })
  .meta({ id: 'Job' });

export type JobReply = z.infer<typeof jobReply>;

export const jobListReply = z
  .object({
    jobs: z.array(jobReply),
    count: z.int(),
    next_cursor: z.string().optional().describe('Send it as `cursor` for the next page; absent on the last'),
  })
  .meta({ id: 'Jobs' });

/**
 * Field by field: a new column of the table must not be published by accident.
 *
 * @param token that of its program; only for its owner.
 */
export function jobReplyOf(job: JobRow, nowMs = Date.now(), token?: string): JobReply {
  // After the job, nothing listens at the address: showing it would mislead.
  const ssh = job.status === 'running' ? job.ssh : undefined;
  const { message, endedBy } = endOf(job);
  return defined({
    job_id: job.jobId,
    job_name: job.jobName,
    status: job.status,
    phase: phaseOf(job.status, job.phase),
    message: message === '' ? undefined : message,
    provider_id: job.providerId,
    image: job.image,
    image_digest: job.imageDigest,
    image_size_gb: job.imageSizeBytes === undefined ? undefined : Math.ceil(job.imageSizeBytes / 1024 ** 2) / 1024,
    gpu_type: job.gpuType,
    any_gpu_type: job.anyGpuType ?? false,
    gpu_model: job.gpuModel,
    gpu_count: job.gpuCount,
    cpu_cores: job.cpuCores,
    memory_gb: job.memoryMb / 1024,
    shm_gb: sharedMemoryMb(job) / 1024,
    storage_gb: job.storageGb,
    program: programReplyOf(job),
    ...portFieldsOf(job, token),
    price_per_hour: job.pricePerHour,
    max_price_per_hour: job.maxPricePerHour ?? boundOf(job),
    session_id: job.sessionId,
    cost: costOf(job, nowMs),
    ssh_host: ssh?.host,
    ssh_port: ssh?.port,
    ssh_user: ssh?.user,
    ssh_command: ssh === undefined ? undefined : sshCommand(ssh),
    ssh_host_key: ssh?.hostKey,
    ssh_host_key_fingerprint: ssh?.hostKey === undefined ? undefined : sshFingerprint(ssh.hostKey),
    known_hosts: ssh === undefined ? undefined : knownHostsLine(ssh),
    created_at: job.createdAt.toISOString(),
    started_at: job.startedAt?.toISOString(),
    expires_at: job.expiresAt?.toISOString(),
    ends_in_s: job.status === 'running' ? secondsUntil(job.expiresAt, nowMs) : undefined,
    ended_at: job.endedAt?.toISOString(),
    ended_by: endedBy,
    failure_reason: job.failure?.reason,
    failure_message: job.failure?.message,
    suggestion: suggestionFor(job),
  });
}

/** The broker's own bound; 0 means that nothing was on offer when the order came, so that there was none. */
function boundOf({ maxRate }: JobRow): number | undefined {
  return maxRate === undefined || maxRate === '0' ? undefined : priceOf(maxRate);
}

function costOf(job: JobRow, nowMs: number): JobReply['cost'] {
  const { money, status, startedAt, expiresAt, updatedAt, endedAt } = job;
  if (money === undefined) return undefined;
  const isOver = isFinal(status);
  const times = { readyAtMs: startedAt?.getTime(), expiresAtMs: expiresAt?.getTime(), isOver };
  // While it is removed, nothing more is paid for.
  const stoppedAt = isOver ? endedAt : status === 'ending' ? updatedAt : undefined;
  const atMs = stoppedAt?.getTime() ?? nowMs;
  const { spent, reserved, perSecond, billedMs } = costAt(money, times, atMs);
  return defined({
    spent: `${spent}`,
    reserved: `${reserved}`,
    per_second: perSecond?.toString(),
    rate_per_hour: money.rate?.toString(),
    fee_bps: money.feeBps,
    billed_seconds: billedMs === undefined ? undefined : billedMs / 1000,
    charged: `${spent}`,
    final: isOver,
    receipt: money.receipt,
    as_of: new Date(atMs).toISOString(),
    gaps: money.hasAllGaps ? money.gaps.slice(-gapsShown).map(gapReplyOf) : undefined,
  });
}

function gapReplyOf({ fromMs, toMs, cause }: JobMoney['gaps'][number]) {
  return { from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString(), cause };
}

function secondsUntil(expiresAt: Date | undefined, nowMs: number): number | undefined {
  return expiresAt === undefined ? undefined : Math.max(0, Math.floor((expiresAt.getTime() - nowMs) / 1000));
}

/** Versions up to 0.1.0 named the wallet in the message, and wrote down nothing else. */
function endOf({ status, message, endedBy, wallet, failure }: JobRow): { message: string; endedBy?: JobEnder } {
  const [, by, why = ''] = /^cancelled by (0x[0-9a-f]{40}|an operator)(: .*)?$/.exec(message) ?? [];
  if (by === wallet) return { message: 'you ended it', ...only(status, 'you') };
  if (by !== undefined) return { message: `an operator ended it${why}`, ...only(status, 'operator') };
  if (endedBy !== undefined) return { message, endedBy };
  if (status === 'expired') return { message, endedBy: 'expiry' };
  if (status === 'provider_lost') return { message, endedBy: 'provider' };
  return failure?.reason === 'provider_drained' ? { message, ...only(status, 'owner') } : { message };
}

function only(status: JobRow['status'], endedBy: JobEnder): { endedBy?: JobEnder } {
  return isFinal(status) ? { endedBy } : {};
}

/** Suggests twice as much of what was too small, the next size people try. It suggests nothing on a guess. */
function suggestionFor({ failure, memoryMb, storageGb }: JobRow): JobReply['suggestion'] {
  switch (failure?.cause) {
    case 'out_of_memory': {
      const recommended = `${Math.ceil((memoryMb * 2) / 1024)}Gi`;
      return {
        action: 'increase_memory',
        recommended_memory: recommended,
        message: `The container ran out of memory; ${recommended} may be enough.`,
      };
    }
    case 'disk_full': {
      const recommended = `${storageGb * 2}Gi`;
      return {
        action: 'increase_storage',
        recommended_storage: recommended,
        message: `The job wrote more than the ${storageGb}Gi it ordered; ${recommended} may be enough.`,
      };
    }
    default:
      return undefined;
  }
}

function defined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
