import { findJobs } from '../db/jobs.js';
import type { Queryable } from '../db/pool.js';
import type { JobEvent } from '../domain/job-event.js';
import { jobEventReplyOf, type JobEventReply } from './schemas/event.js';

/** An event, and how its readers see it. */
export interface ToldEvent {
  event: JobEvent;
  reply: JobEventReply;
}

/** How the readers of events see them: the end of a job comes with the job. */
export async function withJobs(db: Queryable, events: readonly JobEvent[]): Promise<ToldEvent[]> {
  const ended = events.filter(({ kind }) => kind === 'ended').map(({ jobId }) => jobId);
  const jobs = ended.length === 0 ? undefined : await findJobs(db, ended);
  return events.map((event) => ({
    event,
    reply: jobEventReplyOf(event, event.kind === 'ended' ? jobs?.get(event.jobId) : undefined),
  }));
}
