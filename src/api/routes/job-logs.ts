import type { Pool } from 'pg';
import { networkOf } from '../../auth/networks.js';
import { isFinal } from '../../domain/job.js';
import { placeBefore, type ReadLog } from '../../domain/job-log.js';
import type { Logger } from '../../observability/logger.js';
import { beginStream, wantsStream } from '../begin-stream.js';
import type { EventStreams } from '../event-streams.js';
import { logOfJob } from '../job-log.js';
import { streamLog, type LogStreamLimits } from '../job-log-stream.js';
import { ownJob } from '../own-job.js';
import { principalOf } from '../principal.js';
import type { ApiContext, RouteRule } from '../route.js';
import {
  jobLogHeaders,
  jobLogQuery,
  jobLogReply,
  linesOf,
  type JobLogQuery,
  type JobLogReply,
} from '../schemas/job-log.js';

interface JobLogDeps {
  pool: Pool;
  logger: Logger;
  /** A stream of a log takes one of the places for streams. */
  streams: EventStreams;
  readLog?: ReadLog | undefined;
  logLimits?: LogStreamLimits;
}

/** What a job has written. Only its customer reads it. */
export function jobLogRoutes(deps: JobLogDeps): RouteRule[] {
  const { pool, streams } = deps;
  return [
    {
      method: 'GET',
      path: '/api/v1/jobs/:id/logs',
      auth: 'any',
      scopes: ['jobs:read'],
      limit: 'read',
      summary:
        'What a job has written; with `Accept: text/event-stream` or `follow=true` as it is written, until it has ended',
      request: { query: jobLogQuery, headers: jobLogHeaders },
      responses: {
        200: { description: 'The last lines, the oldest first', schema: jobLogReply },
        204: { description: 'The stream is over: the job has ended, and its last line was read' },
      },
      errors: ['job_not_found', 'quota_exceeded'],
      handler: async (ctx) => await (isFollowed(ctx) ? follow(ctx) : page(ctx)),
    },
  ];

  async function page(ctx: ApiContext): Promise<void> {
    const job = await ownJob(pool, ctx);
    const found = await logOfJob(deps, job, { after: startOf(ctx), tail: linesOf(queryOf(ctx)) });
    const { source, lines, truncated, note } = found;
    const reply: JobLogReply = { job_id: job.jobId, status: job.status, source, lines, truncated };
    ctx.body = note === undefined ? reply : { ...reply, note };
  }

  async function follow(ctx: ApiContext): Promise<void> {
    const job = await ownJob(pool, ctx);
    const principal = principalOf(ctx);
    const seat = streams.admit(principal, networkOf(ctx.state.ip));
    try {
      const after = startOf(ctx);
      const tail = linesOf(queryOf(ctx));
      const isResumed = ctx.get('last-event-id') !== '';
      if (isResumed && isFinal(job.status) && (await logOfJob(deps, job, { after, tail: 1 })).lines.length === 0) {
        // Tells a browser not to connect again.
        ctx.status = 204;
        return;
      }
      const response = beginStream(ctx);
      if (response === undefined) return;
      void streamLog(deps, { response, principal, job, after, tail, stopping: seat.stopping }, deps.logLimits).finally(
        seat.leave,
      );
    } finally {
      // Koa answers unless the stream has begun, which leaves by itself.
      if (ctx.respond !== false) seat.leave();
    }
  }
}

function queryOf(ctx: ApiContext): JobLogQuery {
  return ctx.state.query as JobLogQuery;
}

function isFollowed(ctx: ApiContext): boolean {
  return ctx.method === 'GET' && (queryOf(ctx).follow === true || wantsStream(ctx));
}

/** The place after which to begin: what a resumed stream has read, or what the query says. */
function startOf(ctx: ApiContext): string | undefined {
  const { since } = queryOf(ctx);
  const read = ctx.get('last-event-id');
  if (read !== '') return read;
  return since === undefined ? undefined : placeBefore(since);
}
