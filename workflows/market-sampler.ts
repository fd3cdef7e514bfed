/**
 * Writes down what the market has and asks.
 *
 * **Flow.** A Schedule starts it every five minutes. One statement writes a row for each GPU type and deletes the rows
 * that are too old.
 *
 * **Why durable.** A gap in the history cannot be filled later. The Schedule samples once, on whichever broker is up.
 *
 * **Retries.** A sample has a minute and three attempts. A repeat of one that was written changes nothing.
 *
 * **End.** It completes after one sample, or its Schedule's limit of two minutes for a run ends it.
 */
import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { summarized } from './summaries.js';

const { sampleMarket } = summarized<Pick<Activities, 'sampleMarket'>>(
  proxyActivities({ startToCloseTimeout: '1 minute', retry: { maximumAttempts: 3 } }),
  { sampleMarket: 'write down what the market has and asks' },
);

/** Samples once. */
export async function marketSampler(): Promise<Awaited<ReturnType<typeof sampleMarket>>> {
  return await sampleMarket();
}
