/**
 * Writes down how providers do: whether they are online, how busy they are, how their jobs ended.
 *
 * **Flow.** A Schedule starts it every five minutes. A statement for each series writes the row of the present slot for
 * all providers, and rows that are too old are removed.
 *
 * **Why durable.** Nothing happens that could be noted while a machine is merely idle, so something has to look at the
 * clock. The Schedule does so once, however many brokers run.
 *
 * **Retries.** It has a minute and three attempts; within its slot, a repeat writes nothing twice. A slot that no run
 * has noted stays empty, and counts for or against nobody.
 *
 * **End.** It completes after one run, or its Schedule's limit of four minutes ends it.
 */
import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { summarized } from './summaries.js';

const { recordProviderSeries } = summarized<Pick<Activities, 'recordProviderSeries'>>(
  proxyActivities({ startToCloseTimeout: '1 minute', retry: { maximumAttempts: 3 } }),
  { recordProviderSeries: 'write down how providers do' },
);

/** Notes one slot. */
export async function providerSeries(): Promise<Awaited<ReturnType<typeof recordProviderSeries>>> {
  return await recordProviderSeries();
}
