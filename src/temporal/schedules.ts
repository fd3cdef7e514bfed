import { ScheduleAlreadyRunning, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import type { Config } from '../config.js';
import { workflowTypes } from '../../workflows/workflow-types.js';

/** How often the sweep looks for silence; a fraction of the time-out, so that loss is noticed within it. */
function sweepEveryS(config: Config): number {
  return Math.max(1, Math.min(5, Math.floor(config.HEARTBEAT_TIMEOUT_S / 3)));
}

const reconcilerSchedule = 'fleet-reconciler';

/** Makes sure that the periodic work is scheduled, once for however many brokers there are. */
export async function ensureSchedules(client: Client, config: Config): Promise<void> {
  const schedules = [
    {
      id: 'heartbeat-sweep',
      workflowType: workflowTypes.heartbeatSweep,
      everyS: sweepEveryS(config),
      timeout: '2 minutes',
    },
    { id: reconcilerSchedule, workflowType: workflowTypes.fleetReconciler, everyS: 60, timeout: '10 minutes' },
  ] as const;
  for (const { id, workflowType, everyS, timeout } of schedules) {
    const spec = { intervals: [{ every: everyS * 1000 }] };
    // A run that is late is skipped, never queued: the next one sees the same.
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

/**
 * Has the fleet compared now instead of at the next minute: after a start, whatever happened while nobody was there is
 * found at once. Nothing waits for it. Where a run is under way already, that one does.
 */
export async function reconcileNow(client: Client): Promise<void> {
  await client.schedule.getHandle(reconcilerSchedule).trigger(ScheduleOverlapPolicy.SKIP);
}
