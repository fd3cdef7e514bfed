import type { Client } from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import type { Config } from '../config.js';
import { providerWorkflowId } from '../domain/provider.js';
import type { ProviderInput, ProviderLifecycle } from '../../workflows/provider-messages.js';
import { searchAttributes } from '../../workflows/search-attributes.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import type { Signal } from './signal-once.js';

type Settings = Pick<Config, 'TEMPORAL_TASK_QUEUE'>;

/** Starts a provider's workflow, or finds the running one, and sends it the signal, if given, in the same call. */
export async function startProvider(
  client: Client,
  input: ProviderInput,
  config: Settings,
  signal?: Signal,
): Promise<void> {
  const options = providerStartOptions(input, config);
  if (signal === undefined) {
    await client.workflow.start<ProviderLifecycle>(workflowTypes.provider, options);
    return;
  }
  await client.workflow.signalWithStart<ProviderLifecycle, unknown[]>(workflowTypes.provider, {
    ...options,
    signal: signal.name,
    signalArgs: [...signal.args],
  });
}

/** How a provider's workflow is started: by its first registration, or to continue where one was lost. */
export function providerStartOptions(input: ProviderInput, config: Settings) {
  const { providerId, carried } = input;
  return {
    workflowId: providerWorkflowId(providerId),
    taskQueue: config.TEMPORAL_TASK_QUEUE,
    args: [input] as [ProviderInput],
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    // A retired provider may register again.
    workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: searchAttributes.providerId, value: providerId },
      { key: searchAttributes.providerStatus, value: carried?.status ?? 'pending' },
    ]),
    staticSummary: `provider ${providerId}`,
  };
}
