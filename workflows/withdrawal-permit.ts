/**
 * Has a customer's withdrawal signed with the key of the vault's operator, which only workers have.
 *
 * **Flow.** The API starts it when somebody takes money out of the vault. One activity asks the vault whether it would pay
 * that out, fixes the deadline, and signs; or it gives the money back.
 *
 * **Why durable.** The API waits for some seconds only; a node that answers later is still in time for a repeat.
 *
 * **Retries.** For five minutes. Then whoever repeats the request starts it again, and what is never signed is given back.
 *
 * **End.** It completes when the row of the withdrawal says that it is signed, or void. Nothing secret is in its history.
 */
import { proxyActivities, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { ChainActivities } from '../activities/chain.js';
import { chainTaskQueue } from './chain-task-queue.js';
import { summarized } from './summaries.js';

/** @param id of the withdrawal. */
export async function withdrawalPermit(id: string): Promise<void> {
  const { signWithdrawal } = summarized<Pick<ChainActivities, 'signWithdrawal'>>(
    proxyActivities({
      taskQueue: chainTaskQueue(workflowInfo().taskQueue),
      startToCloseTimeout: '30s',
      scheduleToCloseTimeout: '5 minutes',
      retry: { initialInterval: '1s', maximumInterval: '15s' },
    }),
    { signWithdrawal: 'ask the vault, and sign' },
  );
  setCurrentDetails('asks the vault, and signs; without an answer, no node of the chain answers');
  await signWithdrawal(id);
}
