import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { RegistrationAnswer } from '../src/domain/registration-answer.js';
import type { ProviderFacts } from '../src/domain/provider.js';
import type { ProviderStatus } from '../src/wire/statuses.js';

// ---- Signals: what a provider is told. Each says that something changed; the workflow finds out what is true now.

/** A provider's message that passed validation and is stored in `provider_registrations`; activities read it there. */
export interface StoredMessage {
  /** The id of the stream entry: a redelivery carries the same one. */
  messageId: string;
}

/** A registration; absent `sender`: it replaces none that waits. */
export interface StoredRegistrationMessage extends StoredMessage {
  sender?: string;
  /** What became of it before this workflow was told; absent if it is still to be answered. */
  answer?: RegistrationAnswer;
}

export const registrationReceived = defineSignal<[StoredRegistrationMessage]>('registrationReceived');
/** New capacity figures of the provider. */
export const capacityReported = defineSignal<[StoredMessage]>('capacityReported');

/** A certificate request from a holder of this provider's join token, or from its node; the workflow decides on it. */
export interface CertificateRequested {
  name: string;
  /** Absent if the node asks for a renewal of its own certificate. */
  tokenId?: string;
}

export const certificateRequested = defineSignal<[CertificateRequested]>('certificateRequested');

/** A change of the provider's node. Histories of earlier builds hold more fields, which are ignored. */
export interface NodeChange {
  state: 'ready' | 'not_ready' | 'gone';
}

export const nodeObserved = defineSignal<[NodeChange]>('nodeObserved');

/** The provider fell silent or came back: the database says which. Earlier builds sent a payload, which is ignored. */
export const heartbeatChanged = defineSignal('heartbeatChanged');

/** The owner started or stopped mining, or changed its configuration: the database says what is wanted. */
export const miningChanged = defineSignal('miningChanged');

/** The provider is out of placement because of failed starts, or not any more: the database says which. */
export const placementChanged = defineSignal('placementChanged');

/** A job that was told of a drain has ended and holds nothing any more. Earlier builds sent the job's id. */
export const jobLeft = defineSignal('jobLeft');

// ---- Updates and the query: what a provider is asked, and answers

/** What a provider workflow returns about itself. */
export interface ProviderState {
  status: ProviderStatus;
  nodeName: string;
  waitingFor: string;
  retiring: boolean;
}

export const providerState = defineQuery<ProviderState>('providerState');

/** Who gave a command; people find it in the workflow's history. */
export interface OrderedBy {
  by: string;
}

/** The same with a deadline for its jobs, RFC 3339; without one, each ends at its own expiry. */
export interface OrderedUntil extends OrderedBy {
  until?: string;
}

/** No new jobs. The update completes when placement knows of it. */
export const cordonProvider = defineUpdate<ProviderState, [OrderedBy]>('cordon');
export const uncordonProvider = defineUpdate<ProviderState, [OrderedBy]>('uncordon');
/** No new jobs, and a deadline for the running ones. */
export const drainProvider = defineUpdate<ProviderState, [OrderedUntil]>('drain');
/** The same, and after the last job the provider leaves the fleet: its node is deleted and its workflow completes. */
export const retireProvider = defineUpdate<ProviderState, [OrderedUntil]>('retire');

// ---- Input: what a provider starts with, or continues with in a new run

/** What a provider's workflow starts with; `carried` is what the previous run knew. */
export interface ProviderInput {
  providerId: string;
  carried?: CarriedProvider;
}

/** What a provider serves: all of its jobs, those without GPUs, or none. */
export type ProviderService = 'online' | 'gpu_lost' | 'offline';

export interface CarriedProvider {
  status: ProviderStatus;
  facts: ProviderFacts;
  /** What running jobs were last told; absent if that is not known. */
  told?: ProviderService;
  /** Which GPU resources they were told are missing; absent if the provider has only one. */
  toldMissing?: string;
  /** The same as versions up to 0.1.0 carry it. */
  toldOnline?: boolean;
  /** Ids of messages that have had their effect, newest last. */
  seen: string[];
  /**
   * The name that the broker gave its node; absent in what versions up to 0.1.0 wrote, where it was the provider's id.
   */
  nodeName?: string;
  /** The uid of the node it was last seen with. */
  nodeUid?: string;
  joining?: Joining;
  /** It leaves the fleet as soon as it has no jobs. */
  retiring?: boolean;
}

/** A registration whose join command was sent and whose node is not there yet. */
export interface Joining {
  messageId: string;
  expiresAtMs: number;
  reissued: number;
}

export type ProviderLifecycle = (input: ProviderInput) => Promise<void>;
