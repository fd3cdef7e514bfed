import { WithStartWorkflowOperation, type Client } from '@temporalio/client';
import type { ProviderCommand, ProviderCommands } from '../api/provider-commands.js';
import type { Config } from '../config.js';
import { BrokerError } from '../domain/errors.js';
import {
  cordonProvider,
  drainProvider,
  retireProvider,
  uncordonProvider,
  type ProviderLifecycle,
} from '../../workflows/provider-messages.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import { asBrokerError, isEndedMeanwhile } from './failures.js';
import { providerStartOptions } from './start-provider.js';

/** A command takes two writes to Postgres and a signal to each job. */
const deadlineMs = 10_000;

const updates = {
  cordon: cordonProvider,
  uncordon: uncordonProvider,
  drain: drainProvider,
  retire: retireProvider,
} as const;

/** Sends operator commands to providers' workflows; a missing workflow is started first. */
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
        if (isEndedMeanwhile(error)) {
          throw new BrokerError('provider_retired', 'the provider has left the fleet', {}, { cause: error });
        }
        throw asBrokerError(error, 'provider_orders');
      }
    },
  };
}
