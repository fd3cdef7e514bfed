import type { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import { unlessNoWorkflow } from './failures.js';

/** An activity that a workflow ran to its end, and what it was given. */
export interface RecordedStep {
  step: string;
  args: unknown[];
}

/** The activities that the newest run of a workflow completed, in the order in which it asked for them. */
export async function recordedSteps(client: Client, workflowId: string): Promise<RecordedStep[]> {
  const history = await unlessNoWorkflow(client.workflow.getHandle(workflowId).fetchHistory());
  const events = history?.events ?? [];
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
