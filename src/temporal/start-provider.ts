import { TypedSearchAttributes } from '@temporalio/common';
import type { Config } from '../config.js';
import { providerWorkflowId } from '../domain/provider.js';
import { searchAttributes, type ProviderInput } from '../../workflows/messages.js';

/** How a provider's workflow is started, by its first registration or to go on where one was lost. */
export function providerStartOptions(input: ProviderInput, config: Pick<Config, 'TEMPORAL_TASK_QUEUE'>) {
  const { providerId, carried } = input;
  return {
    workflowId: providerWorkflowId(providerId),
    taskQueue: config.TEMPORAL_TASK_QUEUE,
    args: [input] as [ProviderInput],
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    // A provider that retired may register again.
    workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
    typedSearchAttributes: new TypedSearchAttributes([
      { key: searchAttributes.providerId, value: providerId },
      { key: searchAttributes.providerStatus, value: carried?.status ?? 'pending' },
    ]),
    staticSummary: `provider ${providerId}`,
  };
}
