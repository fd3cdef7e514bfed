import type { WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';

/** The history of a workflow for people, a line for each event: its time, its type, and its subject. */
export async function timeline(handle: WorkflowHandle): Promise<string[]> {
  const { events } = await handle.fetchHistory();
  return events!.map(({ eventTime, eventType, ...attributes }) =>
    [
      new Date(Number(eventTime!.seconds) * 1000 + eventTime!.nanos! / 1e6).toISOString(),
      proto.temporal.api.enums.v1.EventType[eventType!],
      attributes.workflowExecutionSignaledEventAttributes?.signalName,
      attributes.activityTaskScheduledEventAttributes?.activityType?.name,
      attributes.workflowTaskFailedEventAttributes?.failure?.message,
    ]
      .filter((part) => part !== undefined && part !== null)
      .join(' '),
  );
}
