import { defineSearchAttributeKey } from '@temporalio/common';
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Span } from '../src/domain/billing.js';
import type { Instant, Printable } from '../src/domain/outside.js';
import type {
  FailureCause,
  GapCause,
  JobFailure,
  JobOrder,
  JobStatus,
  Placement,
  SshAccess,
} from '../src/domain/job.js';
import type { ProviderFacts, ProviderStatus } from '../src/domain/provider.js';
import type { MachineFault } from '../src/domain/start-faults.js';

/** The workflow types, as starters name them. */
export const workflowTypes = {
  job: 'jobLifecycle',
  provider: 'providerLifecycle',
  heartbeatSweep: 'heartbeatSweep',
  fleetReconciler: 'fleetReconciler',
} as const;

/** What operators filter by in the Temporal UI. Registered with the server before the first workflow starts. */
export const searchAttributes = {
  jobStatus: defineSearchAttributeKey('JobStatus', 'KEYWORD'),
  providerStatus: defineSearchAttributeKey('ProviderStatus', 'KEYWORD'),
  providerId: defineSearchAttributeKey('ProviderId', 'KEYWORD'),
  wallet: defineSearchAttributeKey('Wallet', 'KEYWORD'),
  gpuType: defineSearchAttributeKey('GpuType', 'KEYWORD'),
  expiresAt: defineSearchAttributeKey('ExpiresAt', 'DATETIME'),
} as const;

// ---- Jobs

/** What a job workflow answers about itself: the outcome of `sshReady` and `cancel`, and the `jobState` query. */
export interface JobState {
  status: JobStatus;
  placement?: Placement;
  ssh?: SshAccess;
  /** RFC 3339. */
  expiresAt?: string;
  failure?: JobFailure;
}

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

/** Completes when the job can be reached by SSH or has ended without. */
export const sshReady = defineUpdate<JobState>('sshReady');
/** Ends the job. A signal: once the server has it, the job ends, whoever is there to take it. */
export const cancelRequested = defineSignal<[{ by: string }]>('cancelRequested');
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
export const jobState = defineQuery<JobState>('jobState');

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

// ---- Providers

/** A registration that passed validation and stands in `provider_registrations`; the workflow reads it from there. */
export interface RegistrationReceived {
  /** The id of the stream entry: a redelivery carries the same one. */
  messageId: string;
}

/** What the watcher saw of a provider's node. */
export interface NodeObservation {
  nodeName: string;
  uid: string;
  resourceVersion: string;
  state: 'ready' | 'not_ready' | 'gone';
  /** In the node's allocatable, of whatever name. */
  gpus: number;
  /** By name, where there is another than `nvidia.com/gpu`: a text that differs when they do. */
  gpuResources?: string;
}

/** A certificate request that a holder of this provider's join token made, or its node; the workflow decides about it. */
export interface CertificateRequested {
  name: string;
  /** Absent where the node asks, to have its own renewed. */
  tokenId?: string;
}

export const certificateRequested = defineSignal<[CertificateRequested]>('certificateRequested');
/** New capacity figures of the provider, stored under this message id. */
export const capacityReported = defineSignal<[RegistrationReceived]>('capacityReported');
export const registrationReceived = defineSignal<[RegistrationReceived]>('registrationReceived');
export const nodeObserved = defineSignal<[NodeObservation]>('nodeObserved');
/** The sweep's finding; `at` is the last heartbeat it went by. */
export const heartbeatChanged = defineSignal<[{ alive: boolean; at: string }]>('heartbeatChanged');

/** Its owner started or stopped mining, or changed how: the database says what is wanted. */
export const miningChanged = defineSignal('miningChanged');

/** It is out of placement for the starts that it failed, or not any more: the database says which. */
export const placementChanged = defineSignal('placementChanged');

/** A job that was told of a drain has ended and holds nothing any more. */
export const jobLeft = defineSignal<[{ jobId: string }]>('jobLeft');

/** No new jobs. What is ordered completes when placement knows of it. */
export const cordonProvider = defineUpdate<ProviderState, [{ by: string }]>('cordon');
export const uncordonProvider = defineUpdate<ProviderState, [{ by: string }]>('uncordon');
/** No new jobs, and an end for those there are: RFC 3339, or their own expiry. */
export const drainProvider = defineUpdate<ProviderState, [{ by: string; until?: string }]>('drain');
/** The same, and after the last job it leaves the fleet: its node is deleted and its workflow completes. */
export const retireProvider = defineUpdate<ProviderState, [{ by: string; until?: string }]>('retire');

/** What a provider's workflow starts with; `carried` is what the run before it knew. */
export interface ProviderInput {
  providerId: string;
  carried?: CarriedProvider;
}

/** Whether a provider serves its jobs: all of them, those without GPUs, or none. */
export type ProviderService = 'online' | 'gpu_lost' | 'offline';

export interface CarriedProvider {
  status: ProviderStatus;
  facts: ProviderFacts;
  /** What running jobs were last told; absent when nobody knows. */
  told?: ProviderService;
  /** Whose GPUs they were told are missing, by resource; absent where there is one. */
  toldMissing?: string;
  /** The same as versions up to 0.1.0 say it. */
  toldOnline?: boolean;
  /** Ids of messages that had their effect, newest last. */
  seen: string[];
  /** As the broker named its node; absent in what versions up to 0.1.0 wrote, where it was the provider's id. */
  nodeName?: string;
  /** Of the node it was last seen with. */
  nodeUid?: string;
  joining?: Joining;
  /** It leaves the fleet when it has no jobs any more. */
  retiring?: boolean;
}

/** A registration whose join command is out and whose node is not there yet. */
export interface Joining {
  messageId: string;
  expiresAtMs: number;
  reissued: number;
}

export type ProviderLifecycle = (input: ProviderInput) => Promise<void>;

/** What a provider workflow answers about itself. */
export interface ProviderState {
  status: ProviderStatus;
  nodeName: string;
  waitingFor: string;
  retiring: boolean;
}
export const providerState = defineQuery<ProviderState>('providerState');

/** The names of all signals, for senders that stand outside a workflow. */
export const signalNames = {
  podObserved: podObserved.name,
  providerChanged: providerChanged.name,
  providerDraining: providerDraining.name,
  cancelRequested: cancelRequested.name,
  registrationReceived: registrationReceived.name,
  capacityReported: capacityReported.name,
  certificateRequested: certificateRequested.name,
  nodeObserved: nodeObserved.name,
  heartbeatChanged: heartbeatChanged.name,
  miningChanged: miningChanged.name,
  placementChanged: placementChanged.name,
} as const;
