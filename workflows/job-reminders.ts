/**
 * Reminds customers of jobs that are about to end.
 *
 * **Flow.** A Schedule starts it every half minute. One statement finds the running jobs whose end is near and not
 * announced yet, and writes the events.
 *
 * **Why durable.** Nothing else happens at that moment, and a timer in every job would cost each of them events of
 * history. The Schedule does it once, however many brokers run; after a crash the next run finds what was missed.
 *
 * **Retries.** A run has half a minute and three attempts. The next one finds what this one did not announce.
 *
 * **End.** It completes after one statement, or its Schedule's limit of two minutes for a run ends it.
 */
import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { summarized } from './summaries.js';

const { announceExpiries } = summarized<Pick<Activities, 'announceExpiries'>>(
  proxyActivities({ startToCloseTimeout: '30s', retry: { maximumAttempts: 3 } }),
  { announceExpiries: 'announce jobs that end soon' },
);

/** Announces once. */
export async function jobReminders(): Promise<Awaited<ReturnType<typeof announceExpiries>>> {
  return await announceExpiries();
}
