import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { upkeepClient } from '../../src/temporal/upkeep.js';
import type { Finding } from './invariant-names.js';

const causes = proto.temporal.api.enums.v1.WorkflowTaskFailedCause;
/** Temporal's own reasons to repeat a task. All others say that workflow code failed. */
const harmless: ReadonlySet<number> = new Set([
  // A message came in while the task was running.
  causes.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND,
  // The worker that had the workflow in its cache is gone.
  causes.WORKFLOW_TASK_FAILED_CAUSE_RESET_STICKY_TASK_QUEUE,
  // Temporal itself was killed.
  causes.WORKFLOW_TASK_FAILED_CAUSE_FORCE_CLOSE_COMMAND,
  causes.WORKFLOW_TASK_FAILED_CAUSE_FAILOVER_CLOSE_COMMAND,
]);

interface HistoryEvent {
  workflowTaskFailedEventAttributes?: { cause?: number; failure?: { message?: string } } | null;
}

/** Failed tasks of workflows: such a workflow stays "Running", and does nothing any more. */
export function failedTasks(histories: Readonly<Record<string, string>>): Finding {
  const violations = Object.entries(histories).flatMap(([workflow, text]) => {
    const { history } = JSON.parse(text) as { history: { events?: HistoryEvent[] } };
    return (history.events ?? []).flatMap(({ workflowTaskFailedEventAttributes: failed }) => {
      if (failed === undefined || failed === null || harmless.has(failed.cause ?? 0)) return [];
      return [`${workflow}: ${causes[failed.cause ?? 0]} ${failed.failure?.message ?? ''}`];
    });
  });
  return { invariant: 'tasks', violations, isLasting: true };
}

/** The Schedules of src/temporal/schedules.ts, each with the longest time since its last run. */
const schedules: Readonly<Record<string, number>> = {
  'heartbeat-sweep': 60_000,
  'fleet-reconciler': 180_000,
  'market-sampler': 700_000,
  'provider-series': 900_000,
  'job-reminders': 120_000,
};

/** Those of a site with a chain; a run triggers them far more often than the broker does. */
const schedulesOfTheChain: Readonly<Record<string, number>> = { 'vault-watch': 60_000, settlement: 180_000 };

/** The client of the namespace in which a broker with the usual configuration has what is periodic. */
export function upkeepOf(temporal: Client): Client {
  return upkeepClient(temporal, { TEMPORAL_UPKEEP_NAMESPACE: `${temporal.options.namespace}-upkeep` });
}

/** All Schedules still exist, are not paused, and ran recently. */
export async function schedulesGoOn(temporal: Client, { hasChain }: { hasChain: boolean }): Promise<Finding> {
  const violations: string[] = [];
  const expected = { ...schedules, ...(hasChain ? schedulesOfTheChain : {}) };
  for (const [id, withinMs] of Object.entries(expected)) {
    const described = await (id === 'settlement' ? temporal : upkeepOf(temporal)).schedule
      .getHandle(id)
      .describe()
      .catch((error: unknown) => violations.push(`${id}: ${String(error)}`));
    if (typeof described === 'number') continue;
    const { state, info } = described;
    if (state.paused) violations.push(`${id} is paused`);
    if (info.nextActionTimes.length === 0) violations.push(`${id} has nothing to come`);
    const sinceMs = info.recentActions.at(-1)?.takenAt.getTime() ?? info.createdAt.getTime();
    if (Date.now() - sinceMs > withinMs) violations.push(`${id} has not run since ${new Date(sinceMs).toISOString()}`);
  }
  return { invariant: 'schedules', violations };
}
