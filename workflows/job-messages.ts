import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Span } from '../src/domain/billing.js';
import type { FailureCause, GapCause, JobFailure, JobOrder, Placement, SshAccess } from '../src/domain/job.js';
import type { Instant, Printable } from '../src/domain/outside.js';
import type { MachineFault } from '../src/domain/start-faults.js';
import type { JobStatus } from '../src/wire/statuses.js';

// ---- Signals: what a job is told

/** What the watcher saw of a job's pod. `uid` and `resourceVersion` make a repeated observation recognisable. */
export interface PodObservation {
  phase: 'pending' | 'running' | 'succeeded' | 'failed' | 'gone';
  uid: string;
  resourceVersion: string;
  /** Why a pod does not start, when Kubernetes says so. */
  stuck?: {
    reason: 'unschedulable' | 'image_pull_failed' | 'container_not_created';
    message: Printable;
    /** What the kubelet said, where its customer is told only the kind. */
    words?: Printable;
    /** That it is not the customer's doing. */
    fault?: MachineFault;
  };
  /** The machine that was given it has not got as far as the customer's image; should that stay so, whose doing it is. */
  unprepared?: MachineFault;
  /** Of the container, once it has stopped. */
  exitCode?: number;
  message?: Printable;
  /** When it stopped, or its pod went. */
  endedAt?: Instant;
  /** Why it ended, where Kubernetes names a bound of the customer's own, or of the broker's. */
  cause?: FailureCause | 'deadline';
  /** Why its machine or the cluster ended the pod, such as that the node was shut down or deleted. */
  disrupted?: Printable;
  /** The machine did not take the pod, at first or when it came back after a restart. */
  refused?: boolean;
  /** That its end, had it not been reached before, would be the machine's doing. */
  fault?: MachineFault;
}

export const podObserved = defineSignal<[PodObservation]>('podObserved');

/** What a job hears about its provider, as the provider's workflow says it. Times are RFC 3339. */
export interface ProviderChange {
  /** Which one; a job that has moved on does not listen to those it left. Versions up to 0.1.0 do not say it. */
  providerId?: string;
  online: boolean;
  /** When it was said: what comes late is older than what is known. */
  at: string;
  /** Since when it has been away. */
  since?: string;
  /** It will not come back: its machine is another one now. */
  final?: boolean;
  /** What it lacks while it is not online; `gpu_lost` is no loss for a job without GPUs. */
  cause?: GapCause;
}

/** The provider is being taken out of service, or not any more. */
export interface ProviderDrain {
  /** As in `ProviderChange`. */
  providerId?: string;
  draining: boolean;
  at: string;
  /** When the job ends at the latest; without, at its own expiry. Nobody extends it in either case. */
  until?: string;
}

export const providerChanged = defineSignal<[ProviderChange]>('providerChanged');
export const providerDraining = defineSignal<[ProviderDrain]>('providerDraining');

/** Ends the job. A signal: once the server has it, the job ends, whoever is there to take it. */
export const cancelRequested = defineSignal<[{ by: string }]>('cancelRequested');

// ---- Updates and the query: what a job is asked, and answers

/** What a job workflow answers about itself: the outcome of `sshReady` and `cancel`, and the `jobState` query. */
export interface JobState {
  status: JobStatus;
  placement?: Placement;
  ssh?: SshAccess;
  /** RFC 3339. */
  expiresAt?: string;
  failure?: JobFailure;
}

export const jobState = defineQuery<JobState>('jobState');

/** Completes when the job can be reached by SSH or has ended without. */
export const sshReady = defineUpdate<JobState>('sshReady');

/** Ends the job; completes when everything it held is released. What versions up to 0.1.0 send. */
export const cancelJob = defineUpdate<JobState, [{ by: string }]>('cancel');

export interface JobExtension {
  requestId: string;
  seconds: number;
  /** The session that pays; without, the one that ordered the job. */
  sessionId?: string;
}

/** Moves the expiry, once for each `requestId`; answers the expiry that stands in the ledger. */
export const extendJob = defineUpdate<{ expiresAt: string }, [JobExtension]>('extend');

// ---- Input: what a job starts with, or goes on with in a new run

/** The limits a job was accepted under; they stay with it when the configuration changes. */
export interface JobLimits {
  /** From the first placement to a pod that is Ready, on whichever machine. */
  startTimeoutS: number;
  /** How long Kubernetes may find no place, or an image may fail to pull. */
  stuckGraceS: number;
  providerLossGraceS: number;
  /** From the start to the last expiry that an extension may set. */
  maxDurationS: number;
}

/** A running job that goes on in a new run of its workflow, because the history of the old one grew long. */
export interface RunningJob {
  placement: Placement;
  ssh: SshAccess;
  podUid: string;
  startedAtMs: number;
  expiresAtMs: number;
  /** Requests that moved the expiry under versions up to 0.1.0; the ledger knows all of them. */
  extensions: string[];
  /** What it heard about its provider. */
  provider?: ProviderNews;
}

/** A provider that is away, as one of its jobs knows it. */
export interface ProviderAbsence {
  atMs: number;
  sinceMs: number;
  final: boolean;
  cause?: GapCause;
}

/** A time in which a job was not served although it ran. */
export interface ServiceGap extends Span {
  cause: GapCause;
}

/** What a job knows of its provider. */
export interface ProviderNews {
  /** When the newest change was said. */
  changedAt?: string;
  /** Told at `atMs` that it went away, at `sinceMs`. */
  away?: ProviderAbsence;
  /** The newest time in which it was away and after which it came back. */
  gap?: ServiceGap;
  drainSaidAt?: string;
  drain?: { untilMs?: number };
}

export interface JobInput {
  order: JobOrder;
  limits: JobLimits;
  running?: RunningJob;
  /** Which placement comes first, of a job that has lost its workflow after others had been tried. */
  attempt?: number;
}

export type JobLifecycle = (input: JobInput) => Promise<JobState>;
