import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy, type Client } from '@temporalio/client';
import type { Config } from '../config.js';
import { sampleEveryS } from '../domain/market.js';
import { seriesSlotS } from '../domain/series.js';
import { workflowTypes } from '../../workflows/workflow-types.js';
import { upkeepClient } from './upkeep.js';

/** How often the sweep checks for silence: a fraction of the time-out, so that a loss is noticed within it. */
function sweepEveryS(config: Config): number {
  return Math.max(1, Math.min(5, Math.floor(config.HEARTBEAT_TIMEOUT_S / 3)));
}

const reconcilerSchedule = 'fleet-reconciler';
const settlementSchedule = 'settlement';
const vaultSchedule = 'vault-watch';

/** What is done periodically in the namespace of the upkeep. Versions up to 0.1.0 have these where the jobs are. */
export const upkeepSchedules: readonly string[] = [
  ...['heartbeat-sweep', reconcilerSchedule, 'market-sampler', 'provider-series', 'job-reminders', vaultSchedule],
];

interface Periodic {
  id: string;
  workflowType: string;
  /** For operators: what a run does. */
  summary: string;
  everyS: number;
  /** For one run. */
  timeoutS: number;
}

/** Makes sure that the periodic work is scheduled, once however many brokers run. */
export async function ensureSchedules(client: Client, config: Config): Promise<void> {
  const upkeep = upkeepClient(client, config);
  if (!config.ENABLE_BLOCKCHAIN) {
    await removeSchedules(client, [vaultSchedule, settlementSchedule]);
    await removeSchedules(upkeep, [vaultSchedule]);
  }
  for (const periodic of upkeepOf(config)) await ensureSchedule(upkeep, periodic, config);
  if (!config.ENABLE_BLOCKCHAIN) return;
  // Operators look for a settlement for days, and there is one in half a day: it stays where the jobs are.
  const settlement: Periodic = {
    id: settlementSchedule,
    workflowType: workflowTypes.settlementBatch,
    summary: 'settles on the chain',
    everyS: config.BATCH_INTERVAL_H * 3_600,
    // It lasts as long as the chain needs; the next one waits for its end.
    timeoutS: 30 * 86_400,
  };
  await ensureSchedule(client, settlement, config);
}

function upkeepOf(config: Config): Periodic[] {
  const { heartbeatSweep, fleetReconciler, marketSampler, providerSeries, jobReminders, vaultWatch } = workflowTypes;
  return [
    {
      ...{ id: 'heartbeat-sweep', workflowType: heartbeatSweep, everyS: sweepEveryS(config), timeoutS: 120 },
      summary: 'finds providers that fell silent or came back',
    },
    {
      ...{ id: reconcilerSchedule, workflowType: fleetReconciler, everyS: 60, timeoutS: 600 },
      summary: 'compares Postgres, Temporal and Kubernetes, and repairs what differs',
    },
    {
      ...{ id: 'market-sampler', workflowType: marketSampler, everyS: sampleEveryS, timeoutS: 120 },
      summary: 'writes down what the market has and asks',
    },
    {
      ...{ id: 'provider-series', workflowType: providerSeries, everyS: seriesSlotS, timeoutS: 240 },
      summary: 'writes down how providers do',
    },
    {
      ...{ id: 'job-reminders', workflowType: jobReminders, everyS: 30, timeoutS: 120 },
      summary: 'announces jobs that end soon',
    },
    ...(config.ENABLE_BLOCKCHAIN
      ? [
          {
            ...{ id: vaultSchedule, workflowType: vaultWatch, everyS: config.CHAIN_POLL_S, timeoutS: 180 },
            summary: 'reads and books the events of the vault',
          },
        ]
      : []),
  ];
}

async function ensureSchedule(client: Client, periodic: Periodic, config: Config): Promise<void> {
  const { id, workflowType, summary, everyS, timeoutS } = periodic;
  const spec = { intervals: [{ every: everyS * 1000 }] };
  // A late run is skipped, never queued: the next one finds the same.
  const policies = { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10s' as const };
  const action = {
    type: 'startWorkflow' as const,
    workflowType,
    workflowId: id,
    taskQueue: config.TEMPORAL_TASK_QUEUE,
    workflowExecutionTimeout: timeoutS * 1000,
    staticSummary: summary,
  };
  try {
    await client.schedule.create({ scheduleId: id, spec, policies, action });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    await client.schedule.getHandle(id).update((existing) => ({ ...existing, spec, action }));
  }
}

/** Removes Schedules, where they are. */
export async function removeSchedules(client: Client, ids: readonly string[]): Promise<void> {
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
 *
 * @param upkeep the client of the namespace of the upkeep.
 */
export async function reconcileNow(upkeep: Client): Promise<void> {
  await upkeep.schedule.getHandle(reconcilerSchedule).trigger(ScheduleOverlapPolicy.SKIP);
}

/** Has a settlement cut now instead of at its next time. If one is under way, no other is started. */
export async function settleNow(client: Client): Promise<void> {
  await client.schedule.getHandle(settlementSchedule).trigger(ScheduleOverlapPolicy.SKIP);
}

/** Whether a settlement is served at present. */
export async function isSettling(client: Client): Promise<boolean> {
  return (await client.schedule.getHandle(settlementSchedule).describe()).info.runningActions.length > 0;
}
