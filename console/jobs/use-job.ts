import { useRef } from 'preact/hooks';
import { isFinal } from '../../src/client/index.js';
import type { Job, JobEvent } from '../../src/client/shapes.js';
import { broker, login, nowMs, useJobEvents, useResource, type Loaded } from '../live/index.js';
import { completeUntil, isComplete, withEvents, type EventLog } from './event-log.js';
import type { Counted } from './spending.js';

/** What hears of a start within seconds even where the stream of events is cut. */
const startingMs = 4_000;
const runningMs = 20_000;
const mostPages = 60;

export interface WatchedJob {
  job: Loaded<Counted>;
  events: Loaded<EventLog>;
}

/** One job and its events: pushed as they happen, and read again now and then, so that nothing stays missing. */
export function useJob(id: string): WatchedJob {
  const key = `jobs:${login.value?.wallet ?? ''}:${id}`;
  const log = useRef<EventLog>([]);
  const status = useRef<string | undefined>(undefined);
  const everyMs = { everyMs: pauseFor(status.current) };
  const job = useResource<Counted>(key, async (signal) => counted(await broker().jobs.get(id, { signal })), everyMs);
  status.current = job.data?.job.status;
  const events = useResource<EventLog>(
    `${key}:events`,
    async (signal) => {
      const read = await readEvents(id, completeUntil(log.current), signal);
      return (log.current = withEvents(log.current, read));
    },
    everyMs,
  );
  log.current = withEvents(events.data ?? [], log.current);
  useJobEvents((event) => {
    if (event.job_id !== id) return;
    log.current = withEvents(log.current, [event]);
    // One that comes before its turn says that others are missing.
    if (isComplete(log.current)) events.put(log.current);
    else events.reload();
    job.reload();
  });
  return { job, events };
}

export function counted(job: Job): Counted {
  return { job, readAtMs: nowMs() };
}

function pauseFor(status: string | undefined): number | undefined {
  if (status === undefined || status === 'running') return runningMs;
  return isFinal(status) ? undefined : startingMs;
}

async function readEvents(id: string, after: number, signal: AbortSignal): Promise<JobEvent[]> {
  const events: JobEvent[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < mostPages; page++) {
    const query = { limit: 100, ...(cursor === undefined ? (after > 0 ? { after } : {}) : { cursor }) };
    const path = `/api/v1/jobs/${encodeURIComponent(id)}/events`;
    const { body } = await broker().request('GET', path, { query, signal });
    const { events: found, next_cursor: next } = body as { events: JobEvent[]; next_cursor?: string };
    events.push(...found);
    if (next === undefined || found.length === 0) break;
    cursor = next;
  }
  return events;
}
