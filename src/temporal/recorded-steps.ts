import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { unlessNoWorkflow } from './failures.js';

/** An activity that a workflow ran to its end, and what it was given. */
export interface RecordedStep {
  step: string;
  args: unknown[];
}

/**
 * The activities that a workflow completed, in the order in which it asked for them: of its newest run, and of those before
 * that it continues, as far as the server still has them.
 */
export async function recordedSteps(client: Client, workflowId: string): Promise<RecordedStep[]> {
  const runs: RecordedStep[][] = [];
  for (let runId: string | undefined, isNewest = true; isNewest || runId !== undefined; isNewest = false) {
    const history = await unlessNoWorkflow(client.workflow.getHandle(workflowId, runId).fetchHistory());
    const events = history?.events ?? [];
    runs.unshift(stepsIn(events));
    // Empty in a run that continues none.
    runId = events[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId || undefined;
  }
  return runs.flat();
}

type Events = NonNullable<Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>['events']>;

function stepsIn(events: Events): RecordedStep[] {
  // Numbers of events are objects of their own, which are the same when they are written alike.
  const completed = new Set(
    events.map(({ activityTaskCompletedEventAttributes: done }) => String(done?.scheduledEventId ?? '')),
  );
  return events.flatMap(({ eventId, activityTaskScheduledEventAttributes: asked }) => {
    const step = asked?.activityType?.name ?? '';
    if (step === '' || !completed.has(String(eventId))) return [];
    const args = (asked?.input?.payloads ?? []).map((payload) => defaultPayloadConverter.fromPayload(payload));
    return [{ step, args }];
  });
}
