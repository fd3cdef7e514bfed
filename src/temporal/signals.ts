import type { Client } from '@temporalio/client';
import type { SignalDefinition } from '@temporalio/common';
import { jobWorkflowId } from '../domain/job.js';
import { providerWorkflowId } from '../domain/provider.js';
import { sideBySide, type Failed } from '../side-by-side.js';
import {
  cancelRequested,
  podObserved,
  providerChanged,
  providerDraining,
  sshKeysChanged,
} from '../../workflows/job-messages.js';
import {
  capacityReported,
  certificateRequested,
  heartbeatChanged,
  miningChanged,
  nodeObserved,
  placementChanged,
  registrationReceived,
} from '../../workflows/provider-messages.js';
import { unlessNoWorkflow } from './failures.js';
import { signalOnce, type Signal } from './signal-once.js';

/** How many signals are sent concurrently if many workflows are told. */
const signalsAtOnce = 20;

/** The signals to a job: `jobSignals.podObserved(jobId, observation)`. */
export const jobSignals = {
  podObserved: signalOf(podObserved, jobWorkflowId),
  providerChanged: signalOf(providerChanged, jobWorkflowId),
  providerDraining: signalOf(providerDraining, jobWorkflowId),
  cancelRequested: signalOf(cancelRequested, jobWorkflowId),
  sshKeysChanged: signalOf(sshKeysChanged, jobWorkflowId),
} as const;

/** The signals to a provider: `providerSignals.nodeObserved(providerId, { state: 'gone' })`. */
export const providerSignals = {
  registrationReceived: signalOf(registrationReceived, providerWorkflowId),
  capacityReported: signalOf(capacityReported, providerWorkflowId),
  certificateRequested: signalOf(certificateRequested, providerWorkflowId),
  nodeObserved: signalOf(nodeObserved, providerWorkflowId),
  heartbeatChanged: signalOf(heartbeatChanged, providerWorkflowId),
  miningChanged: signalOf(miningChanged, providerWorkflowId),
  placementChanged: signalOf(placementChanged, providerWorkflowId),
} as const;

export interface Sending {
  /** The time limit for the call with all its attempts, in milliseconds; if absent, the limit of any call. */
  withinMs?: number;
  /**
   * Calls with the same id send one signal: the server drops a signal whose id this run of the workflow has had.
   * Without it, every call adds a signal to the history.
   */
  requestId?: string;
}

/**
 * Sends a signal.
 *
 * @returns false if no such workflow runs; otherwise true, once the server has stored the signal.
 * @throws the client's own error.
 */
export async function sendSignal(client: Client, signal: Signal, sending: Sending = {}): Promise<boolean> {
  const { withinMs, requestId } = sending;
  const send = async () => {
    if (requestId !== undefined) await signalOnce(client, signal, requestId);
    else await client.workflow.getHandle(signal.workflowId).signal(signal.name, ...signal.args);
    return true;
  };
  const sent = withinMs === undefined ? send() : client.withDeadline(Date.now() + withinMs, send);
  return (await unlessNoWorkflow(sent)) ?? false;
}

/** Tells many workflows, some concurrently. If one cannot be told, the others are. */
export async function sendToEach<T>(items: readonly T[], send: (item: T) => Promise<void>): Promise<Failed<T>[]> {
  return await sideBySide(items, signalsAtOnce, send);
}

function signalOf<Args extends unknown[]>(
  { name }: SignalDefinition<Args>,
  workflowIdOf: (id: string) => string,
): (id: string, ...args: Args) => Signal {
  return (id, ...args) => ({ workflowId: workflowIdOf(id), name, args });
}
