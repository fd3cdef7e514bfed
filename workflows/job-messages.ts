import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Span } from '../src/domain/billing.js';
import type { FailureCause, GapCause, JobFailure, JobOrder, Placement, SshAccess } from '../src/domain/job.js';
import type { Instant, Printable } from '../src/domain/outside.js';
import type { MachineFault } from '../src/domain/start-faults.js';
import type { JobStatus } from '../src/wire/statuses.js';

// ---- Signals: what a job is told

/** What the watcher saw of a job's pod. `uid` and `resourceVersion` identify a repeated observation. */
export interface PodObservation {
  phase: 'pending' | 'running' | 'succeeded' | 'failed' | 'gone';
  uid: string;
  resourceVersion: string;
  /** Why a pod does not start, if Kubernetes says so. */
  stuck?: {
    reason: 'unschedulable' | 'image_pull_failed' | 'container_not_created';
    message: Printable;
    /** The kubelet's own message; the customer is told only the kind of problem. */
    words?: Printable;
    /** Set if the machine is at fault and not the customer. */
    fault?: MachineFault;
  };
  /** Set until the machine gets as far as the customer's image: who is at fault if it never does. */
  unprepared?: MachineFault;
  /** The container's exit code, once it has stopped. */
  exitCode?: number;
  message?: Printable;
  /** When the container stopped, or the pod vanished. */
  endedAt?: Instant;
  /** When a process of the broker saw that it was over. Versions up to 0.1.0 do not set it. */
  seenOverAt?: Instant;
  /**
   * When its container ran, if it ended well: as its machine says, but not before the pod was made, and not after it was
   * observed.
   */
  ran?: { from: Instant; to: Instant };
  /** Why it ended, if Kubernetes names a limit that the customer or the broker set. */
  cause?: FailureCause | 'deadline';
  /** Why the machine or the cluster ended the pod: its node was shut down or deleted, for example. */
  disrupted?: Printable;
  /** The machine rejected the pod, at first or when it came back after a restart. */
  refused?: boolean;
  /** Set if the machine is at fault for an end before the job was reached. */
  fault?: MachineFault;
}

/** Whether a pod was seen to have ended, however it did. */
export function isOver(pod: PodObservation | undefined): pod is PodObservation {
  return pod !== undefined && pod.phase !== 'running' && pod.phase !== 'pending';
}

export const podObserved = defineSignal<[PodObservation]>('podObserved');

/** A change of a job's provider, as the provider's workflow reports it. Times are RFC 3339. */
export interface ProviderChange {
  /** The provider; a job that has moved ignores those it left. Versions up to 0.1.0 do not set it. */
  providerId?: string;
  online: boolean;
  /** When the change was reported: a job ignores one that is older than what it knows. */
  at: string;
  /** Since when it has been away. */
  since?: string;
  /** It will not come back: its node is another machine now. */
  final?: boolean;
  /** What is missing while it is not online; `gpu_lost` does not affect a job without GPUs. */
  cause?: GapCause;
}

/** The provider is being drained, or not any more. */
export interface ProviderDrain {
  /** As in `ProviderChange`. */
  providerId?: string;
  draining: boolean;
  at: string;
  /** The latest end of the job; if absent, the job's own expiry. In either case nobody can extend the job. */
  until?: string;
}

export const providerChanged = defineSignal<[ProviderChange]>('providerChanged');
export const providerDraining = defineSignal<[ProviderDrain]>('providerDraining');

/** Who ends a job, and when it was asked for. */
export interface Cancellation {
  by: string;
  /** Up to 0.1.0 it is missing, and the job is paid for until its workflow reads this. */
  at?: Instant;
  /** Why, for the job's customer; operators give one. */
  reason?: Printable;
  /** Set if the broker itself ends it: the failure that its row names. */
  code?: 'funds_withdrawn';
}

/** Ends the job. A signal, so that the job ends once the server has the message, even while no worker is running. */
export const cancelRequested = defineSignal<[Cancellation]>('cancelRequested');

/** The job's row has keys that its Secret may lack. It says no more: which ones is no matter of a history. */
export const sshKeysChanged = defineSignal('sshKeysChanged');

// ---- Updates and the query: what a job is asked, and answers

/** The job's state, as the updates `sshReady` and `cancel` and the query `jobState` return it. */
export interface JobState {
  status: JobStatus;
  placement?: Placement;
  ssh?: SshAccess;
  /** RFC 3339. */
  expiresAt?: string;
  failure?: JobFailure;
}

export const jobState = defineQuery<JobState>('jobState');

/** What one run of a job's workflow has written down. */
export interface RecordedSteps {
  /** Names of activities and what they were given, in the order in which they were done. */
  steps: { step: string; args: unknown[] }[];
  /** The run before, which this one continues. */
  continues?: string;
}

/** For a database that was restored and has forgotten some of it. */
export const recordedSteps = defineQuery<RecordedSteps>('recordedSteps');

/** Completes when the job can be reached by SSH, or has ended before. */
export const sshReady = defineUpdate<JobState>('sshReady');

/** Ends the job; completes when everything it held is released. Versions up to 0.1.0 send this update. */
export const cancelJob = defineUpdate<JobState, [{ by: string }]>('cancel');

export interface JobExtension {
  requestId: string;
  seconds: number;
  /** The session that pays; if absent, the one that ordered the job. */
  sessionId?: string;
}

/** Moves the expiry, once for each `requestId`; returns the expiry in the ledger. */
export const extendJob = defineUpdate<{ expiresAt: string }, [JobExtension]>('extend');

// ---- Input: what a job starts with, or continues with in a new run

/** The limits a job was accepted under; they stay with it when the configuration changes. */
export interface JobLimits {
  /** From the first placement to a pod that is Ready, on whichever machine. */
  startTimeoutS: number;
  /** How long a pod may stay unschedulable, or fail to pull its image. */
  stuckGraceS: number;
  providerLossGraceS: number;
  /** From the start to the latest expiry that an extension may set. */
  maxDurationS: number;
}

/** A running job that continues in a new run of its workflow, because the history of the old run grew long. */
export interface RunningJob {
  placement: Placement;
  ssh: SshAccess;
  podUid: string;
  startedAtMs: number;
  expiresAtMs: number;
  /** Requests that moved the expiry under versions up to 0.1.0; the ledger knows all of them. */
  extensions: string[];
  /** What it knows about its provider. */
  provider?: ProviderNews;
}

/** A provider that is away, as one of its jobs knows it. */
export interface ProviderAbsence {
  atMs: number;
  sinceMs: number;
  final: boolean;
  cause?: GapCause;
}

/** A time in which a running job was not served. */
export interface ServiceGap extends Span {
  cause: GapCause;
}

/** What a job knows of its provider. */
export interface ProviderNews {
  /** When the newest change was reported. */
  changedAt?: string;
  /** Set while it is away: reported at `atMs`, away since `sinceMs`. */
  away?: ProviderAbsence;
  /** The newest absence that is over. */
  gap?: ServiceGap;
  drainSaidAt?: string;
  drain?: { untilMs?: number };
}

export interface JobInput {
  order: JobOrder;
  limits: JobLimits;
  running?: RunningJob;
  /** The number of the first placement, if the job lost its workflow after it had tried other machines. */
  attempt?: number;
}

export type JobLifecycle = (input: JobInput) => Promise<JobState>;
