import { Client, Connection } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import type { Endpoints } from '../../engines/engine.js';
import { jobWorkflowId } from '../../src/domain/job.js';
import type { Finding } from './invariant-names.js';

const uuid = /[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}/g;
/** A run that goes wrong at many jobs does so for one reason. */
const mostJobs = 3;

/** Logs what the workflows of the jobs did that findings name, while Temporal still knows it. */
export async function logHistories(
  endpoints: Endpoints,
  findings: readonly Finding[],
  log: (line: string) => void,
): Promise<void> {
  const named = findings.flatMap(({ violations }) => violations.flatMap((text) => text.match(uuid) ?? []));
  if (named.length === 0) return;
  const connection = await Connection.connect({ address: endpoints.temporal! });
  try {
    const client = new Client({ connection, namespace: endpoints.temporal_namespace! });
    for (const jobId of [...new Set(named)].slice(0, mostJobs)) {
      const { events } = await client.workflow.getHandle(jobWorkflowId(jobId)).fetchHistory();
      log(`the workflow of ${jobId}:`);
      for (const event of events ?? []) log(`  ${lineOf(event)}`);
    }
  } catch (error) {
    log(`no history: ${String(error)}`);
  } finally {
    await connection.close();
  }
}

/** What some kinds of events have; the ids of other events are of the library's type for 64 bits. */
interface Attributes {
  activityType?: { name?: string };
  attempt?: number;
  signalName?: string;
  timerId?: string;
  markerName?: string;
  scheduledEventId?: unknown;
  startedEventId?: unknown;
}

function lineOf(event: temporal.api.history.v1.IHistoryEvent): string {
  const { seconds, nanos } = event.eventTime ?? {};
  const at = new Date(Number(seconds ?? 0) * 1_000 + (nanos ?? 0) / 1e6).toISOString().slice(11, 23);
  const [name = 'unknown', attributes = {}] =
    Object.entries(event).find(([key, value]) => key.endsWith('EventAttributes') && value !== null) ?? [];
  const { activityType, attempt, signalName, timerId, markerName, ...rest } = attributes as Attributes;
  const of = Number(rest.scheduledEventId ?? rest.startedEventId ?? 0) || undefined;
  const about = { activity: activityType?.name, attempt, signalName, timerId, markerName, of };
  const words = Object.entries(about).flatMap(([key, value]) =>
    value === undefined || value === null ? [] : [`${key} ${value}`],
  );
  return [at, Number(event.eventId), name.replace('EventAttributes', ''), ...words].join(' ');
}
