import type { Client } from '@temporalio/client';

/** The steps and timers of all workflows of a namespace that operators would see without words. */
export async function withoutSummary(client: Client): Promise<string[]> {
  const bare = new Set<string>();
  for await (const { workflowId, runId, type } of client.workflow.list({ pageSize: 1_000 })) {
    // Some hold megabytes.
    const read = () => client.workflow.getHandle(workflowId, runId).fetchHistory();
    const { events } = await client.withDeadline(Date.now() + 120_000, read);
    for (const event of events ?? []) {
      const { activityTaskScheduledEventAttributes: step, markerRecordedEventAttributes: marker } = event;
      const what =
        step?.activityType?.name ??
        (marker?.markerName === 'core_local_activity' ? 'a local activity' : undefined) ??
        (event.timerStartedEventAttributes == null ? undefined : 'a timer');
      if (what !== undefined && event.userMetadata?.summary == null) bare.add(`${what} of ${type}`);
    }
  }
  return [...bare];
}
