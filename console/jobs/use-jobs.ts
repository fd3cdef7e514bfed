import { useEffect, useRef } from 'preact/hooks';
import { broker, login, useJobEvents, useResource, type Loaded } from '../live/index.js';
import { statusesOf, withJob, type Show } from './job-list.js';
import type { Counted } from './spending.js';
import { counted } from './use-job.js';

export interface JobRows {
  rows: readonly Counted[];
  /** Whether there are more than were read. */
  hasMore: boolean;
}

const pageSize = 50;
const everyMs = 30_000;
/** A start tells several steps at once: they are one reading. */
const gatheredMs = 150;

/**
 * The jobs of a list, as many pages as were asked for. What happens to a job is read at once, and only that job; now and
 * then all of them are.
 */
export function useJobs(show: Show, pages: number): Loaded<JobRows> {
  const key = `jobs:${login.value?.wallet ?? ''}:list:${show}:${pages}`;
  const rows = useResource<JobRows>(key, async () => await readPages(show, pages), { everyMs });
  const latest = useRef(rows);
  latest.current = rows;
  const waiting = useRef(new Map<string, ReturnType<typeof setTimeout>>());
  useEffect(() => {
    const timers = waiting.current;
    return () => {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    };
  }, [key]);
  const read = async (id: string) => {
    waiting.current.delete(id);
    try {
      const one = counted(await broker().jobs.get(id));
      const { data, put } = latest.current;
      if (data !== undefined) put({ ...data, rows: withJob(data.rows, one, show, !data.hasMore) });
    } catch {
      // The whole list is read again, and says what is wrong.
      latest.current.reload();
    }
  };
  useJobEvents(({ job_id: id }) => {
    if (waiting.current.has(id)) return;
    waiting.current.set(
      id,
      setTimeout(() => void read(id), gatheredMs),
    );
  });
  return rows;
}

async function readPages(show: Show, pages: number): Promise<JobRows> {
  const status = statusesOf(show);
  const list = broker().jobs.list({ limit: pageSize, ...(status === undefined ? {} : { status }) });
  const rows: Counted[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < pages; page++) {
    const { items, next } = await list.page(cursor);
    rows.push(...items.map(counted));
    cursor = next;
    if (next === undefined) break;
  }
  return { rows, hasMore: cursor !== undefined };
}
