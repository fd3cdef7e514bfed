/**
 * Finds the providers that fell silent or came back.
 *
 * **Flow.** A Schedule starts it every few seconds. One statement finds the providers whose state changed, and only their
 * workflows hear of it: its cost follows what changed, not how many providers there are.
 *
 * **Why durable.** Silence sends no message, so something has to look. The Schedule does, once for however many brokers
 * there are; after a crash the next run finds what was missed.
 *
 * **Retries.** A sweep has a minute and three attempts. A provider that could not be told is found again by the next one.
 *
 * **End.** It completes after one sweep, or is ended by the two minutes that its Schedule allows a run.
 */
import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';

const { sweepHeartbeats } = proxyActivities<Pick<Activities, 'sweepHeartbeats'>>({
  startToCloseTimeout: '1 minute',
  retry: { maximumAttempts: 3 },
});

/** Sweeps once. */
export async function heartbeatSweep(): Promise<Awaited<ReturnType<typeof sweepHeartbeats>>> {
  return await sweepHeartbeats();
}
