import type { WorldLand as Client } from '../client/index.js';
import type { JobEvent } from '../client/shapes.js';
import { isClientError } from './error-words.js';

const mostPages = 20;

/** What has happened to a job so far; nothing at a broker that does not keep it. */
export async function jobHistory(client: Client, jobId: string): Promise<JobEvent[]> {
  const events: JobEvent[] = [];
  let cursor: string | undefined;
  try {
    for (let page = 0; page < mostPages; page++) {
      const path = `/api/v1/jobs/${encodeURIComponent(jobId)}/events`;
      const { body } = await client.request('GET', path, { query: { limit: 100, cursor } });
      const { events: found, next_cursor: next } = body as { events: JobEvent[]; next_cursor?: string };
      events.push(...found);
      if (next === undefined || found.length === 0) break;
      cursor = next;
    }
  } catch (error) {
    if (!isClientError(error) || error.status !== 404) throw error;
  }
  return events;
}
