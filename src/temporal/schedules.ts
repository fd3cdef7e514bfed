import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import type { Config } from '../config.js';
import { sampleEveryS } from '../domain/market.js';
import { seriesSlotS } from '../domain/series.js';
import { workflowTypes } from '../../workflows/workflow-types.js';

/** How often the sweep checks for silence: a fraction of the time-out, so that a loss is noticed within it. */
function sweepEveryS(config: Config): number {
  return Math.max(1, Math.min(5, Math.floor(config.HEARTBEAT_TIMEOUT_S / 3)));
}

const reconcilerSchedule = 'fleet-reconciler';
const settlementSchedule = 'settlement';

/** Makes sure that the periodic work is scheduled, once however many brokers run. */
export async function ensureSchedules(client: Client, config: Config): Promise<void> {
  if (!config.ENABLE_BLOCKCHAIN) await removeSchedules(client, ['vault-watch', 'settlement']);
  const schedules = [
    {
      id: 'heartbeat-sweep',
      workflowType: workflowTypes.heartbeatSweep,
      everyS: sweepEveryS(config),
      timeout: '2 minutes',
    },
    { id: reconcilerSchedule, workflowType: workflowTypes.fleetReconciler, everyS: 60, timeout: '10 minutes' },
    { id: 'market-sampler', workflowType: workflowTypes.marketSampler, everyS: sampleEveryS, timeout: '2 minutes' },
    { id: 'provider-series', workflowType: workflowTypes.providerSeries, everyS: seriesSlotS, timeout: '4 minutes' },
    { id: 'job-reminders', workflowType: workflowTypes.jobReminders, everyS: 30, timeout: '2 minutes' },
    ...(config.ENABLE_BLOCKCHAIN
      ? ([
          {
            id: 'vault-watch',
            workflowType: workflowTypes.vaultWatch,
            everyS: config.CHAIN_POLL_S,
            timeout: '3 minutes',
          },
          // It lasts as long as the chain needs; the next one waits for its end.
          {
            id: settlementSchedule,
            workflowType: workflowTypes.settlementBatch,
            everyS: config.BATCH_INTERVAL_H * 3_600,
            timeout: '30 days',
          },
        ] as const)
      : []),
  ] as const;
  for (const { id, workflowType, everyS, timeout } of schedules) {
    const spec = { intervals: [{ every: everyS * 1000 }] };
    // A late run is skipped, never queued: the next one finds the same.
    const policies = { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10s' as const };
    const action = {
      type: 'startWorkflow' as const,
      workflowType,
      workflowId: id,
      taskQueue: config.TEMPORAL_TASK_QUEUE,
      workflowExecutionTimeout: timeout,
    };
    try {
      await client.schedule.create({ scheduleId: id, spec, policies, action });
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
      await client.schedule.getHandle(id).update((existing) => ({ ...existing, spec, action }));
    }
  }
}

/** Of a site whose chain was switched off: nobody would serve their runs. */
async function removeSchedules(client: Client, ids: readonly string[]): Promise<void> {
  for (const id of ids) {
    try {
      await client.schedule.getHandle(id).delete();
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw error;
    }
  }
}

/**
 * Starts a comparison of the fleet now instead of at the next minute, so that a broker which starts finds at once what
 * happened while none was running. Nothing waits for it. If a run is under way, no other is started.
 */
export async function reconcileNow(client: Client): Promise<void> {
  await client.schedule.getHandle(reconcilerSchedule).trigger(ScheduleOverlapPolicy.SKIP);
}

/** Has a settlement cut now instead of at its next time. If one is under way, no other is started. */
export async function settleNow(client: Client): Promise<void> {
  await client.schedule.getHandle(settlementSchedule).trigger(ScheduleOverlapPolicy.SKIP);
}

/** Whether a settlement is served at present. */
export async function isSettling(client: Client): Promise<boolean> {
  return (await client.schedule.getHandle(settlementSchedule).describe()).info.runningActions.length > 0;
}
