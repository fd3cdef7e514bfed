import type { Client } from '@temporalio/client';
import type { Config } from '../config.js';
import type { RegistrationAnswer } from '../domain/registration-answer.js';
import { asBrokerError, isNoWorkflow } from './failures.js';
import { isOneBusyWorkflow, isRefusedForGood } from './refusals.js';
import type { Signal } from './signal-once.js';
import { providerSignals, sendSignal } from './signals.js';
import { startProvider } from './start-provider.js';

/** What is known of a registration besides its content. */
export interface KnownOfRegistration {
  sender?: string | undefined;
  answer?: RegistrationAnswer | undefined;
}

/**
 * Tells providers' workflows about messages. Repeating a call is harmless: the workflow knows the message by its id.
 */
export interface ProviderSignals {
  /**
   * Starts the provider's workflow if there is none.
   *
   * @param known.sender of a registration that replaces those of the same sender which still wait in the workflow.
   * @param known.answer what became of it already.
   */
  registrationReceived(providerId: string, messageId: string, known?: KnownOfRegistration): Promise<void>;
  /** @returns false if the provider has no workflow. */
  capacityReported(providerId: string, messageId: string): Promise<boolean>;
  /** The wanted state of its miners is in the database. @returns false if the provider has no workflow. */
  miningChanged(providerId: string): Promise<boolean>;
  /** Whether the provider is out of placement is in the database. @returns false if the provider has no workflow. */
  placementChanged(providerId: string): Promise<boolean>;
}

/**
 * Longer than the client's own retries need to get over a short outage; a relay that waits longer holds up its batch.
 */
const deadlineMs = 10_000;

/**
 * @throws BrokerError `dependency_unavailable` from every call while Temporal is unreachable; any other error concerns
 * only this workflow or message.
 */
export function createProviderSignals(client: Client, config: Pick<Config, 'TEMPORAL_TASK_QUEUE'>): ProviderSignals {
  /** Resolves to whether there was a workflow to tell. */
  const tell = async (signal: Signal) => await translated(sendSignal(client, signal, { withinMs: deadlineMs }));

  return {
    async registrationReceived(providerId, messageId, { sender, answer } = {}) {
      const message = {
        messageId,
        ...(sender === undefined ? {} : { sender }),
        ...(answer === undefined ? {} : { answer }),
      };
      const signal = providerSignals.registrationReceived(providerId, message);
      const start = () => startProvider(client, { providerId }, config, signal);
      await translated(client.withDeadline(Date.now() + deadlineMs, start));
    },
    capacityReported: (providerId, messageId) => tell(providerSignals.capacityReported(providerId, { messageId })),
    miningChanged: (providerId) => tell(providerSignals.miningChanged(providerId)),
    placementChanged: (providerId) => tell(providerSignals.placementChanged(providerId)),
  };
}

/**
 * If one workflow is busy, or has had all the signals it may have, that is no outage: it must not hold up the messages
 * of all other providers.
 */
async function translated<T>(call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const isOfThisWorkflow = isNoWorkflow(error) || isRefusedForGood(error) || isOneBusyWorkflow(error);
    throw isOfThisWorkflow ? error : asBrokerError(error, 'provider_orders');
  }
}
