import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';

const { sweepHeartbeats } = proxyActivities<Pick<Activities, 'sweepHeartbeats'>>({
  startToCloseTimeout: '1 minute',
  retry: { maximumAttempts: 3 },
});

/**
 * Runs every few seconds by a Schedule: one statement finds the providers that fell silent or came back, and only
 * those hear of it. Its cost follows what changed, not how many providers there are.
 */
export async function heartbeatSweep(): Promise<Awaited<ReturnType<typeof sweepHeartbeats>>> {
  return await sweepHeartbeats();
}
