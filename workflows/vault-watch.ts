/**
 * Books what the vault says: deposits, withdrawals, settlements that were executed.
 *
 * **Flow.** A Schedule starts it every 15 seconds on sites with a chain. One activity reads the events up to the last
 * final block, and books them together with how far it has read.
 *
 * **Why durable.** The Schedule reads once, however many brokers run; what a run missed, the next one reads.
 *
 * **Retries.** None: the next run does the same. Its activity has a task queue of its own, so that a chain which hangs
 * holds up nothing else.
 *
 * **End.** It completes after one reading, or its Schedule's limit for a run ends it.
 */
import { proxyActivities, setCurrentDetails, workflowInfo } from '@temporalio/workflow';
import type { ChainActivities } from '../activities/chain.js';
import { chainTaskQueue } from './chain-task-queue.js';
import { summarized } from './summaries.js';

/** Reads once. */
export async function vaultWatch(): Promise<Awaited<ReturnType<ChainActivities['watchVault']>>> {
  const { watchVault } = summarized<Pick<ChainActivities, 'watchVault'>>(
    proxyActivities({
      taskQueue: chainTaskQueue(workflowInfo().taskQueue),
      startToCloseTimeout: '90s',
      scheduleToStartTimeout: '60s',
      retry: { maximumAttempts: 1 },
    }),
    { watchVault: 'read and book the events of the vault' },
  );
  setCurrentDetails('reads the events of the vault; without an answer, no node of the chain answers, or they disagree');
  return await watchVault();
}
