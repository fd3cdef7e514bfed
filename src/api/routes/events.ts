import type { Pool } from 'pg';
import { networkOf } from '../../auth/networks.js';
import { eventsOfJob, eventsOfWallet, lastEventId } from '../../db/job-events.js';
import { decodeCursor, encodeCursor } from '../../db/cursor.js';
import type { JobRow } from '../../db/jobs.js';
import { isFinal } from '../../domain/job.js';
import type { JobEvent } from '../../domain/job-event.js';
import { beginStream, wantsStream } from '../begin-stream.js';
import { withJobs } from '../event-replies.js';
import type { EventStreams, Seat } from '../event-streams.js';
import { ownJob } from '../own-job.js';
import { principalOf } from '../principal.js';
import type { ApiContext, RouteRule } from '../route.js';
import { eventsHeaders, eventsQuery, jobEventsReply, walletEventsReply, type EventsQuery } from '../schemas/event.js';

interface Deps {
  pool: Pool;
  streams: EventStreams;
}

/** What is read of a job's past before its stream begins. The stream reads the rest, as fast as its client takes it. */
const pastAtOnce = 500;

/** What happens to a customer's jobs, page by page or as a stream of server-sent events. */
export function eventRoutes({ pool, streams }: Deps): RouteRule[] {
  const shared = {
    method: 'GET',
    auth: 'any',
    scopes: ['jobs:read'],
    limit: 'read',
    request: { query: eventsQuery, headers: eventsHeaders },
  } as const;
  return [
    {
      ...shared,
      path: '/api/v1/jobs/:id/events',
      summary: 'What happened to a job; with `Accept: text/event-stream` as it happens, until the job has ended',
      responses: {
        200: { description: 'The events in their order', schema: jobEventsReply },
        204: { description: 'The stream is over: the job has ended, and its last event was read' },
      },
      errors: ['job_not_found', 'quota_exceeded'],
      handler: async (ctx) => {
        const job = await ownJob(pool, ctx);
        if (wantsStream(ctx)) await streamJob(ctx, job);
        else await pageOfJob(ctx, job);
      },
    },
    {
      ...shared,
      path: '/api/v1/events',
      summary: 'What happened to all your jobs; with `Accept: text/event-stream` what happens from now on',
      responses: { 200: { description: 'The events in their order', schema: walletEventsReply } },
      errors: ['quota_exceeded'],
      handler: async (ctx) => await (wantsStream(ctx) ? streamWallet(ctx) : pageOfWallet(ctx)),
    },
  ];

  async function pageOfJob(ctx: ApiContext, job: JobRow): Promise<void> {
    const { limit } = ctx.state.query as EventsQuery;
    const events = await eventsOfJob(pool, { jobId: job.jobId, after: startOf(ctx) ?? 0, limit: limit + 1 });
    const page = await withJobs(pool, events.slice(0, limit));
    ctx.body = { events: page.map(({ reply }) => reply), ...nextPage(events, limit, ({ seq }) => seq) };
  }

  async function pageOfWallet(ctx: ApiContext): Promise<void> {
    const { limit } = ctx.state.query as EventsQuery;
    const { wallet } = principalOf(ctx);
    const events = await eventsOfWallet(pool, { wallet, after: startOf(ctx) ?? 0, limit: limit + 1 });
    const page = await withJobs(pool, events.slice(0, limit));
    ctx.body = {
      events: page.map(({ reply, event }) => ({ ...reply, id: event.id })),
      ...nextPage(events, limit, ({ id }) => id),
    };
  }

  async function streamJob(ctx: ApiContext, job: JobRow): Promise<void> {
    const { jobId, wallet } = job;
    await inSeat(ctx, async (seat) => {
      // Before its past: an event that is written meanwhile is either among that or comes after this.
      const lastId = await lastEventId(pool, wallet);
      const past = await eventsOfJob(pool, { jobId, after: startOf(ctx) ?? 0, limit: pastAtOnce });
      const isWhole = past.length < pastAtOnce;
      const isOver = isWhole && (isFinal(job.status) || past.some(({ kind }) => kind === 'ended'));
      if (past.length === 0 && isOver) {
        // Tells a browser not to connect again.
        ctx.status = 204;
        return;
      }
      const told = await withJobs(pool, past);
      const response = beginStream(ctx);
      if (response === undefined) return;
      const stream = seat.open({ response, jobId, past: told, position: isWhole ? lastId : 0 });
      if (isOver) stream.end();
    });
  }

  /** Without a start it begins with what happens from now on. */
  async function streamWallet(ctx: ApiContext): Promise<void> {
    await inSeat(ctx, async (seat) => {
      const lastId = await lastEventId(pool, principalOf(ctx).wallet);
      const response = beginStream(ctx);
      // An id that is still to come would pass over events: the database is older than the client's.
      if (response !== undefined) seat.open({ response, position: Math.min(startOf(ctx) ?? lastId, lastId) });
    });
  }

  async function inSeat(ctx: ApiContext, work: (seat: Seat) => Promise<void>): Promise<void> {
    const seat = streams.admit(principalOf(ctx), networkOf(ctx.state.ip));
    try {
      await work(seat);
    } finally {
      // Koa answers unless the stream has begun, which leaves by itself.
      if (ctx.respond !== false) seat.leave();
    }
  }
}

/** After which event to begin: what a resumed stream has read, or what the query says. */
function startOf(ctx: ApiContext): number | undefined {
  const { after, cursor } = ctx.state.query as EventsQuery;
  const read = ctx.get('last-event-id');
  if (read !== '') return Number(read);
  if (cursor === undefined) return after;
  const [last] = decodeCursor(cursor, (part) => /^\d{1,15}$/.test(part));
  return Number(last);
}

function nextPage(events: readonly JobEvent[], limit: number, keyOf: (event: JobEvent) => number) {
  const last = events[limit - 1];
  return events.length > limit && last !== undefined ? { next_cursor: encodeCursor(String(keyOf(last))) } : {};
}
