import { z } from 'zod';
import type { JobRow } from '../../db/jobs.js';
import type { JobEvent } from '../../domain/job-event.js';
import { jobEventKinds } from '../../wire/job-events.js';
import { jobReply, jobReplyOf } from './job.js';
import { pageQuery, queryNumber } from './page.js';

/** An event of a job as its customer reads it. */
const jobEventReply = z
  .object({
    seq: z.int().describe('1, 2, 3 … within the job, without a gap'),
    job_id: z.uuid(),
    at: z.iso.datetime(),
    kind: z.enum(jobEventKinds),
    text: z.string().describe('What happened, for people'),
    data: z
      .looseObject({ job: jobReply.optional() })
      .describe('What happened, for programs; an `ended` has the `job` as it is now'),
  })
  .meta({ id: 'JobEvent' });

const walletEventReply = jobEventReply
  .extend({ id: z.int().describe('Grows with every event of the wallet') })
  .meta({ id: 'WalletEvent' });

export type JobEventReply = z.infer<typeof jobEventReply>;

const nextCursor = z.string().optional().describe('Send it as `cursor` for the next page; absent on the last');

export const jobEventsReply = z
  .object({ events: z.array(jobEventReply), next_cursor: nextCursor })
  .meta({ id: 'JobEvents' });

export const walletEventsReply = z
  .object({ events: z.array(walletEventReply), next_cursor: nextCursor })
  .meta({ id: 'WalletEvents' });

export const eventsQuery = pageQuery.extend({
  after: queryNumber(z.number().int().min(0).max(Number.MAX_SAFE_INTEGER))
    .optional()
    .describe('Only later events than this one: its `seq`, or its `id` in the events of all jobs'),
});

export type EventsQuery = z.output<typeof eventsQuery>;

export const eventsHeaders = z.object({
  'last-event-id': z
    .string()
    .regex(/^\d{0,15}$/, 'must be the id of an event of this stream')
    .optional()
    .describe('Resumes a stream after this event, as browsers do by themselves; stronger than `after`'),
});

/** @param job the event's job as it is now, for an `ended`. */
export function jobEventReplyOf({ seq, jobId, at, kind, text, data }: JobEvent, job?: JobRow): JobEventReply {
  return {
    seq,
    job_id: jobId,
    at: at.toISOString(),
    kind,
    text,
    data: job === undefined ? data : { ...data, job: jobReplyOf(job) },
  };
}
