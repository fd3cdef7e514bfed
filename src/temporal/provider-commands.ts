import {
  ApplicationFailure,
  WithStartWorkflowOperation,
  WorkflowUpdateFailedError,
  type Client,
} from '@temporalio/client';
import type { ProviderCommand, ProviderCommands } from '../api/provider-commands.js';
import type { Config } from '../config.js';
import { BrokerError, isErrorCode } from '../domain/errors.js';
import { limitReached } from '../domain/limits.js';
import {
  cordonProvider,
  drainProvider,
  retireProvider,
  uncordonProvider,
  workflowTypes,
  type ProviderLifecycle,
} from '../../workflows/messages.js';
import { isTooManyUpdates, updatesAtOnce } from './refusals.js';
import { providerStartOptions } from './start-provider.js';

/** An order is two writes to Postgres and a signal to each job. */
const deadlineMs = 10_000;

const updates = {
  cordon: cordonProvider,
  uncordon: uncordonProvider,
  drain: drainProvider,
  retire: retireProvider,
} as const;

/** Gives orders to providers' workflows; one that was lost is started to take its order. */
export function createProviderCommands(client: Client, config: Pick<Config, 'TEMPORAL_TASK_QUEUE'>): ProviderCommands {
  return {
    async order(providerId, { action, by, until }: ProviderCommand) {
      const startWorkflowOperation = new WithStartWorkflowOperation<ProviderLifecycle>(
        workflowTypes.provider,
        providerStartOptions({ providerId }, config),
      );
      const given = until === undefined ? { by } : { by, until: until.toISOString() };
      try {
        await client.withDeadline(Date.now() + deadlineMs, () =>
          client.workflow.executeUpdateWithStart(updates[action], { startWorkflowOperation, args: [given] }),
        );
      } catch (error) {
        throw brokerError(error);
      }
    },
  };
}

function brokerError(error: unknown): BrokerError {
  const cause = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
  if (cause instanceof ApplicationFailure) {
    if (isErrorCode(cause.type)) return new BrokerError(cause.type, cause.message, {}, { cause: error });
    // The server's own failure for an update of a run that ended before it was carried out.
    if (cause.type === 'AcceptedUpdateCompletedWorkflow') {
      return new BrokerError('provider_retired', 'the provider has left the fleet', {}, { cause: error });
    }
  }
  if (isTooManyUpdates(error)) {
    return limitReached('provider_orders', { allowed: updatesAtOnce, retryAfterS: 1, cause: error });
  }
  return new BrokerError('dependency_unavailable', 'Temporal is not answering', {}, { cause: error });
}
