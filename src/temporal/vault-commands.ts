import { WorkflowExecutionAlreadyStartedError, WorkflowFailedError, type Client } from '@temporalio/client';
import type { VaultCommands } from '../api/vault-commands.js';
import type { Config } from '../config.js';
import { BrokerError } from '../domain/errors.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import { asBrokerError } from './failures.js';

/** A signature takes a read of each node. */
const deadlineMs = 10_000;

const later = 'nobody has signed it yet: repeat the request with the same Idempotency-Key';

/** Asks workers for signatures of the vault’s operator, each by a workflow of its own. */
export function createVaultCommands(client: Client, config: Pick<Config, 'TEMPORAL_TASK_QUEUE'>): VaultCommands {
  return {
    async signWithdrawal(id) {
      const workflowId = `withdrawal:${id}`;
      try {
        await client.withDeadline(Date.now() + deadlineMs, async () => {
          await client.workflow
            .start(workflowTypes.withdrawalPermit, {
              ...{ workflowId, taskQueue: config.TEMPORAL_TASK_QUEUE, args: [id] },
              workflowIdReusePolicy: 'ALLOW_DUPLICATE',
              workflowIdConflictPolicy: 'USE_EXISTING',
            })
            .catch((error: unknown) => {
              if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
            });
          await client.workflow.getHandle(workflowId).result();
        });
      } catch (error) {
        if (error instanceof WorkflowFailedError)
          throw new BrokerError('dependency_unavailable', later, {}, { cause: error });
        const broken = asBrokerError(error, 'provider_orders');
        throw broken.code === 'dependency_unavailable'
          ? new BrokerError(broken.code, later, {}, { cause: error })
          : broken;
      }
    },
  };
}
