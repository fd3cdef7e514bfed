import { Client, Connection } from '@temporalio/client';
import type { TestTemporal } from './temporal.js';

/** Tests make histories grow by large events, which the server gives out together. */
const channelArgs = { 'grpc.max_receive_message_length': 64 * 2 ** 20 };

/** The steps and timers of all workflows of a namespace that operators would see without words. */
export async function withoutSummary({ config }: TestTemporal): Promise<string[]> {
  const connection = await Connection.connect({ address: config.TEMPORAL_ADDRESS, channelArgs });
  const client = new Client({ connection, namespace: config.TEMPORAL_NAMESPACE });
  const bare = new Set<string>();
  for await (const { workflowId, runId, type } of client.workflow.list({ pageSize: 1_000 })) {
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
  await connection.close();
  return [...bare];
}
