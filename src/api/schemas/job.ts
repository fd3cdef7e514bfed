import { z } from 'zod';
import type { JobRow } from '../../db/jobs.js';
import { knownHostsLine, sharedMemoryMb, sshCommand } from '../../domain/job.js';
import { jobStatuses } from '../../wire/statuses.js';
import { sshFingerprint } from '../ssh-fingerprint.js';

/** A job as its customer sees it. Unknown values are left out. */
export const jobReply = z.object({
  job_id: z.uuid(),
  job_name: z.string().optional(),
  status: z.enum(jobStatuses),
  message: z.string().optional(),
  provider_id: z.string().optional(),
  image: z.string(),
  gpu_type: z.string().optional(),
  gpu_model: z.string().optional().describe("The provider's name for it"),
  gpu_count: z.int(),
  cpu_cores: z.int(),
  memory_gb: z.number(),
  shm_gb: z.number().describe('How much of the memory `/dev/shm` may use'),
  storage_gb: z.int(),
  price_per_hour: z.number().optional().describe('For the whole job, in token units'),
  max_price_per_hour: z.number().optional().describe('The maximum in the order'),
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
  ended_at: z.iso.datetime().optional(),
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
});

export type JobReply = z.infer<typeof jobReply>;

export const jobListReply = z.object({
  jobs: z.array(jobReply),
  count: z.int(),
  next_cursor: z.string().optional().describe('Send it as `cursor` for the next page; absent on the last'),
});

/** Field by field: a new column of the table must not be published by accident. */
export function jobReplyOf(job: JobRow): JobReply {
  // After the job, nothing listens at the address: showing it would mislead.
  const ssh = job.status === 'running' ? job.ssh : undefined;
  return defined({
    job_id: job.jobId,
    job_name: job.jobName,
    status: job.status,
    message: job.message === '' ? undefined : job.message,
    provider_id: job.providerId,
    image: job.image,
    gpu_type: job.gpuType,
    gpu_model: job.gpuModel,
    gpu_count: job.gpuCount,
    cpu_cores: job.cpuCores,
    memory_gb: job.memoryMb / 1024,
    shm_gb: sharedMemoryMb(job) / 1024,
    storage_gb: job.storageGb,
    price_per_hour: job.pricePerHour,
    max_price_per_hour: job.maxPricePerHour,
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
    ended_at: job.endedAt?.toISOString(),
    failure_reason: job.failure?.reason,
    failure_message: job.failure?.message,
    suggestion: suggestionFor(job),
  });
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
