import { WorkflowNotFoundError, type Client, type WorkflowHandle } from '@temporalio/client';
import type { Config } from '../config.js';
import { BrokerError } from '../domain/errors.js';
import { providerWorkflowId } from '../domain/provider.js';
import { signalNames, workflowTypes, type RegistrationReceived } from '../../workflows/messages.js';
import { isOneBusyWorkflow, isRefusedForGood } from './refusals.js';
import { providerStartOptions } from './start-provider.js';

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
  const withinDeadline = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await client.withDeadline(Date.now() + deadlineMs, call);
    } catch (error) {
      throw toOutage(error);
    }
  };

  /** Answers whether there was a workflow to signal. */
  const signalled = async (providerId: string, signal: (handle: WorkflowHandle) => Promise<void>): Promise<boolean> => {
    const handle = client.workflow.getHandle(providerWorkflowId(providerId));
    try {
      await withinDeadline(() => signal(handle));
      return true;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  };

  return {
    async registrationReceived(providerId, messageId) {
      await withinDeadline(() =>
        client.workflow.signalWithStart(workflowTypes.provider, {
          ...providerStartOptions({ providerId }, config),
          signal: signalNames.registrationReceived,
          signalArgs: [{ messageId }] satisfies [RegistrationReceived],
        }),
      );
    },

    async capacityReported(providerId, messageId) {
      return await signalled(providerId, (handle) =>
        handle.signal<[RegistrationReceived]>(signalNames.capacityReported, { messageId }),
      );
    },

    async miningChanged(providerId) {
      return await signalled(providerId, (handle) => handle.signal(signalNames.miningChanged));
    },

    async placementChanged(providerId) {
      return await signalled(providerId, (handle) => handle.signal(signalNames.placementChanged));
    },
  };
}

/**
 * One workflow that is busy, or has had all the signals it may have, is no outage: it must not keep the messages of all
 * other providers waiting.
 */
function toOutage(error: unknown): unknown {
  if (error instanceof WorkflowNotFoundError || isRefusedForGood(error) || isOneBusyWorkflow(error)) return error;
  return new BrokerError('dependency_unavailable', 'Temporal is not answering', {}, { cause: error });
}
