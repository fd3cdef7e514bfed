import type { Client } from '@temporalio/client';
import type { Config } from '../config.js';
import { asBrokerError, isNoWorkflow } from './failures.js';
import { isOneBusyWorkflow, isRefusedForGood } from './refusals.js';
import { providerSignals, sendSignal, type Signal } from './signals.js';
import { startProvider } from './start-provider.js';

/** How providers' workflows hear of messages. Repeating a call is harmless: the workflow knows the message by its id. */
export interface ProviderSignals {
  /** Starts the provider's workflow where there is none. */
  registrationReceived(providerId: string, messageId: string): Promise<void>;
  /** @returns false when the provider has no workflow. */
  capacityReported(providerId: string, messageId: string): Promise<boolean>;
  /** What is wanted of its miners stands in the database. @returns false when the provider has no workflow. */
  miningChanged(providerId: string): Promise<boolean>;
  /** Whether jobs are placed there stands in the database. @returns false when the provider has no workflow. */
  placementChanged(providerId: string): Promise<boolean>;
}

/** Longer than the client's own attempts need to get over a short outage; a relay that waits longer holds its batch. */
const deadlineMs = 10_000;

/**
 * @throws BrokerError `dependency_unavailable` from every call while Temporal does not answer; any other error is about
 *   this one workflow or message.
 */
export function createProviderSignals(client: Client, config: Pick<Config, 'TEMPORAL_TASK_QUEUE'>): ProviderSignals {
  /** Answers whether there was a workflow to tell. */
  const tell = async (signal: Signal) => await translated(sendSignal(client, signal, { withinMs: deadlineMs }));

  return {
    async registrationReceived(providerId, messageId) {
      const signal = providerSignals.registrationReceived(providerId, { messageId });
      const start = () => startProvider(client, { providerId }, config, signal);
      await translated(client.withDeadline(Date.now() + deadlineMs, start));
    },
    capacityReported: (providerId, messageId) => tell(providerSignals.capacityReported(providerId, { messageId })),
    miningChanged: (providerId) => tell(providerSignals.miningChanged(providerId)),
    placementChanged: (providerId) => tell(providerSignals.placementChanged(providerId)),
  };
}

/**
 * One workflow that is busy, or has had all the signals it may have, is no outage: it must not keep the messages of all
 * other providers waiting.
 */
async function translated<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const isOfThisWorkflow = isNoWorkflow(error) || isRefusedForGood(error) || isOneBusyWorkflow(error);
    throw isOfThisWorkflow ? error : asBrokerError(error, 'provider_orders');
  }
}
