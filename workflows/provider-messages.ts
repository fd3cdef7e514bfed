import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { ProviderFacts } from '../src/domain/provider.js';
import type { ProviderStatus } from '../src/wire/statuses.js';

// ---- Signals: what a provider is told. Each says that something changed; what it is now, the workflow finds out.

/** A message of a provider that passed validation and stands in `provider_registrations`; activities read it there. */
export interface StoredMessage {
  /** The id of the stream entry: a redelivery carries the same one. */
  messageId: string;
}

export const registrationReceived = defineSignal<[StoredMessage]>('registrationReceived');
/** New capacity figures of the provider. */
export const capacityReported = defineSignal<[StoredMessage]>('capacityReported');

/** A certificate request that a holder of this provider's join token made, or its node; the workflow decides about it. */
export interface CertificateRequested {
  name: string;
  /** Absent where the node asks, to have its own renewed. */
  tokenId?: string;
}

export const certificateRequested = defineSignal<[CertificateRequested]>('certificateRequested');

/** A change of the provider's node. Histories of earlier builds hold more fields, which nobody reads. */
export interface NodeChange {
  state: 'ready' | 'not_ready' | 'gone';
}

export const nodeObserved = defineSignal<[NodeChange]>('nodeObserved');

/** It fell silent or came back: the database says which. Earlier builds sent a payload, which nobody reads. */
export const heartbeatChanged = defineSignal('heartbeatChanged');

/** Its owner started or stopped mining, or changed how: the database says what is wanted. */
export const miningChanged = defineSignal('miningChanged');

/** It is out of placement for the starts that it failed, or not any more: the database says which. */
export const placementChanged = defineSignal('placementChanged');

/** A job that was told of a drain has ended and holds nothing any more. Earlier builds sent the job's id. */
export const jobLeft = defineSignal('jobLeft');

// ---- Updates and the query: what a provider is asked, and answers

/** What a provider workflow answers about itself. */
export interface ProviderState {
  status: ProviderStatus;
  nodeName: string;
  waitingFor: string;
  retiring: boolean;
}

export const providerState = defineQuery<ProviderState>('providerState');

/** Who orders something; for people, who find it in the workflow's history. */
export interface OrderedBy {
  by: string;
}

/** The same with an end for its jobs: RFC 3339, or each at its own expiry. */
export interface OrderedUntil extends OrderedBy {
  until?: string;
}

/** No new jobs. What is ordered completes when placement knows of it. */
export const cordonProvider = defineUpdate<ProviderState, [OrderedBy]>('cordon');
export const uncordonProvider = defineUpdate<ProviderState, [OrderedBy]>('uncordon');
/** No new jobs, and an end for those there are. */
export const drainProvider = defineUpdate<ProviderState, [OrderedUntil]>('drain');
/** The same, and after the last job it leaves the fleet: its node is deleted and its workflow completes. */
export const retireProvider = defineUpdate<ProviderState, [OrderedUntil]>('retire');

// ---- Input: what a provider starts with, or goes on with in a new run

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
