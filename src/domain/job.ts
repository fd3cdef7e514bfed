import type { Architecture } from './gpu-needs.js';
import type { JobPort, OpenedPort } from './job-ports.js';
import type { ProgramRules } from './job-program.js';
import type { Printable } from './outside.js';
import { type JobStatus, finalJobStatuses, type FinalJobStatus } from '../wire/statuses.js';
import type { ErrorCode } from '../wire/error-codes.js';

/** True once a job no longer holds a pod, a service or an allocation. */
export function isFinal(status: JobStatus): status is FinalJobStatus {
  return (finalJobStatuses as readonly string[]).includes(status);
}

/**
 * What a customer rents. Sizes are whole numbers. It is stored in workflow histories, so it must not contain a secret.
 */
export interface JobOrder {
  jobId: string;
  /** The customer's 0x address in lower case. */
  wallet: string;
  /** The only acceptable provider; the cheapest match when absent. */
  providerId?: string;
  /** The job is not placed at any of these. */
  excludeProviders?: readonly string[];
  /** A `gpuTypeKey`, possibly of a family; any type when absent. */
  gpuType?: string;
  /** GB, as sold. */
  minVramGb?: number;
  /** As `cudaNumber`. */
  minCuda?: number;
  architecture?: Architecture;
  gpuCount: number;
  cpuCores: number;
  memoryMb: number;
  /** The part of the memory that is shared memory; see `sharedMemoryMb`. */
  shmMb?: number;
  storageGb: number;
  image: string;
  /** What the image's registry said that it is: this runs, whatever its tag means by then. */
  imageDigest?: string;
  /** Set if it has a main program. What that is stays out of histories: arguments may be secret. */
  program?: ProgramRules;
  /** What is reached from outside besides SSH. */
  ports?: readonly JobPort[];
  /** What they cost wherever it is placed: base units per hour, in decimal digits. A part of every rate of the order. */
  portsRate?: string;
  durationSeconds: number;
  /**
   * The price limit for the whole job in token units per hour: `maxRate` for people, or the limit itself without
   * `maxRate`.
   */
  maxPricePerHour?: number;
  /** The reserved base units per hour, in decimal digits. The job is never placed above this rate. */
  maxRate?: string;
}

/** An order's provider, and the job's price there. */
export interface Placement {
  providerId: string;
  nodeName: string;
  /** A `gpuTypeKey`; absent for a job without GPUs. */
  gpuType?: string;
  /** The provider's name for the GPU, for people. */
  gpuModel?: string;
  /** The resource that the pod requests; absent for `nvidia.com/gpu`. */
  gpuResource?: string;
  /** Token units per hour for the whole job, for people. */
  pricePerHour: number;
  /** The exact price in base units per hour, in decimal digits; absent in records of versions that did not have it. */
  rate?: string;
}

/** How to reach a running job. */
export interface SshAccess {
  host: string;
  port: number;
  user: 'root';
  /** The machine's public host key, `ssh-ed25519 AAAA…`; absent if it was not recorded. */
  hostKey?: string;
  /** Where the other ports of the job are reached. */
  opened?: readonly OpenedPort[];
}

/** Failures for which the broker can suggest a remedy: what the job ran out of. */
export const failureCauses = ['out_of_memory', 'disk_full'] as const;
export type FailureCause = (typeof failureCauses)[number];

/** Why a job did not start or ended early. */
export interface JobFailure {
  reason: ErrorCode;
  /** A sentence for the customer that never contains a secret. */
  message: Printable;
  cause?: FailureCause;
  /** The message from Kubernetes, for operators; absent if `message` already is that. */
  words?: Printable;
}

/** Why a provider did not serve a running job. */
export const gapCauses = ['silent', 'node_not_ready', 'gpu_lost'] as const;
export type GapCause = (typeof gapCauses)[number];

/** The part of a job's memory that `/dev/shm` may use: what the order says, or half. */
export function sharedMemoryMb({ memoryMb, shmMb }: Pick<JobOrder, 'memoryMb' | 'shmMb'>): number {
  return shmMb ?? Math.max(1, Math.floor(memoryMb / 2));
}

/**
 * The name of all Kubernetes objects of a job, derived from its id so that a repeated create finds the existing object.
 */
export function jobObjectName(jobId: string): string {
  return `job-${jobId}`;
}

/** The id of a job's workflow. */
export function jobWorkflowId(jobId: string): string {
  return `job:${jobId}`;
}

const hostName = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$/;
const ipv6 = /^[0-9a-fA-F:]{2,39}$/;

/** True for a host name or an address, and false for anything a shell or an SSH client could interpret differently. */
export function isSshHost(text: string | undefined): text is string {
  return text !== undefined && (hostName.test(text) || ipv6.test(text));
}

/** The command line that a customer types. */
export function sshCommand(access: Pick<SshAccess, 'host' | 'port'> & { user: string }): string {
  return `ssh ${access.user}@${access.host} -p ${access.port}`;
}

/** The line for `~/.ssh/known_hosts`, so that the first login verifies the host; undefined without a host key. */
export function knownHostsLine({ host, port, hostKey }: Omit<SshAccess, 'user'>): string | undefined {
  return hostKey === undefined ? undefined : `${port === 22 ? host : `[${host}]:${port}`} ${hostKey}`;
}
