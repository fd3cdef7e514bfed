import type { ErrorCode } from './errors.js';
import type { Architecture } from './gpu-needs.js';
import type { Printable } from './outside.js';

/**
 * Where a job is in its life. `pending` waits for capacity, `provisioning` has capacity and waits for its pod,
 * `ending` has been told to end and still holds something. The rest are final: nothing is held any more.
 */
export const jobStatuses = [
  'pending',
  'provisioning',
  'running',
  'ending',
  'completed',
  'expired',
  'cancelled',
  'failed',
  'provider_lost',
] as const;

export type JobStatus = (typeof jobStatuses)[number];

export const finalJobStatuses = ['completed', 'expired', 'cancelled', 'failed', 'provider_lost'] as const;
export type FinalJobStatus = (typeof finalJobStatuses)[number];

/** True once a job holds no pod, no service and no allocation any more. */
export function isFinal(status: JobStatus): status is FinalJobStatus {
  return (finalJobStatuses as readonly string[]).includes(status);
}

/** What a customer rents. Sizes are whole numbers; nothing in here is secret (it stands in workflow history). */
export interface JobOrder {
  jobId: string;
  /** Lower-case 0x address of the customer. */
  wallet: string;
  /** Only this provider, when given; otherwise the cheapest that fits. */
  providerId?: string;
  /** It is placed at none of these. */
  excludeProviders?: readonly string[];
  /** A `gpuTypeKey`, which may be of a family; any type when absent. */
  gpuType?: string;
  /** GB, as GPUs are sold. */
  minVramGb?: number;
  /** As `cudaNumber`. */
  minCuda?: number;
  architecture?: Architecture;
  gpuCount: number;
  cpuCores: number;
  memoryMb: number;
  /** What of the memory is shared memory; see `sharedMemoryMb`. */
  shmMb?: number;
  storageGb: number;
  image: string;
  durationSeconds: number;
  /** For the whole job, in token units per hour: `maxRate` for people, and the bound itself where there is no such. */
  maxPricePerHour?: number;
  /** Base units per hour, in decimal digits, that were reserved for it: it is placed nowhere above. */
  maxRate?: string;
}

/** Where an order was placed: the provider, and what the job costs there. */
export interface Placement {
  providerId: string;
  nodeName: string;
  /** A `gpuTypeKey`; absent for a job without GPUs. */
  gpuType?: string;
  /** As the provider calls it, for people. */
  gpuModel?: string;
  /** The resource that the pod asks for; absent for `nvidia.com/gpu`. */
  gpuResource?: string;
  /** Token units per hour for the whole job, for people. */
  pricePerHour: number;
  /** The same exactly, in base units per hour as decimal digits; absent where a version wrote it down that had none. */
  rate?: string;
}

/** How to reach a running job. */
export interface SshAccess {
  host: string;
  port: number;
  user: 'root';
  /** The public key by which the machine proves itself: `ssh-ed25519 AAAA…`; absent where nobody wrote it down. */
  hostKey?: string;
}

/** What a job had too little of when it failed: the ways of failing for which there is something to suggest. */
export const failureCauses = ['out_of_memory', 'disk_full'] as const;
export type FailureCause = (typeof failureCauses)[number];

/** Why a job did not start, or ended before its time. */
export interface JobFailure {
  reason: ErrorCode;
  /** A sentence for the customer; never a secret. */
  message: Printable;
  cause?: FailureCause;
  /** What Kubernetes said of it, for operators; absent where that is the message. */
  words?: Printable;
}

/** Why a provider did not serve a job that ran. */
export type GapCause = 'silent' | 'node_not_ready' | 'gpu_lost';

/** How much of a job's memory `/dev/shm` may take: what the order says, otherwise half. */
export function sharedMemoryMb({ memoryMb, shmMb }: Pick<JobOrder, 'memoryMb' | 'shmMb'>): number {
  return shmMb ?? Math.max(1, Math.floor(memoryMb / 2));
}

/** The name of every Kubernetes object of a job; derived, so that a repeated create finds the first. */
export function jobObjectName(jobId: string): string {
  return `job-${jobId}`;
}

/** The workflow that runs a job. */
export function jobWorkflowId(jobId: string): string {
  return `job:${jobId}`;
}

const hostName = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;
const ipv6 = /^[0-9a-fA-F:]{2,39}$/;

/** True for a name or an address, and for nothing that a shell or an SSH client would take for something else. */
export function isSshHost(text: string | undefined): text is string {
  return text !== undefined && (hostName.test(text) || ipv6.test(text));
}

/** The line a customer types. */
export function sshCommand(access: SshAccess): string {
  return `ssh ${access.user}@${access.host} -p ${access.port}`;
}

/** The line for `~/.ssh/known_hosts`, so that the first login need not trust whoever answers; none without a key. */
export function knownHostsLine({ host, port, hostKey }: SshAccess): string | undefined {
  return hostKey === undefined ? undefined : `${port === 22 ? host : `[${host}]:${port}`} ${hostKey}`;
}
