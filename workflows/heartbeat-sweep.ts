/**
 * Finds the providers that fell silent or came back.
 *
 * **Flow.** A Schedule starts it every few seconds. One statement finds the providers whose state changed, and only
 * their workflows are signalled: the cost grows with the number of changes, not of providers.
 *
 * **Why durable.** Silence sends no message, so something has to poll. The Schedule does so once, however many brokers
 * run; after a crash the next run finds what was missed.
 *
 * **Retries.** A sweep has a minute and three attempts. If a provider's workflow could not be signalled, the next sweep
 * finds that provider again.
 *
 * **End.** It completes after one sweep, or its Schedule's limit of two minutes for a run ends it.
 */
import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { summarized } from './summaries.js';

const { sweepHeartbeats } = summarized<Pick<Activities, 'sweepHeartbeats'>>(
  proxyActivities({ startToCloseTimeout: '1 minute', retry: { maximumAttempts: 3 } }),
  { sweepHeartbeats: 'find providers that fell silent or came back' },
);

/** Sweeps once. */
export async function heartbeatSweep(): Promise<Awaited<ReturnType<typeof sweepHeartbeats>>> {
  return await sweepHeartbeats();
}
