import type { Pool } from 'pg';
import type { AskUse } from '../../domain/job-use.js';
import { createUseReader } from '../job-use.js';
import { ownJob } from '../own-job.js';
import type { ApiContext, RouteRule } from '../route.js';
import { jobUseQuery, jobUseReply, jobUseReplyOf, type JobUseQuery } from '../schemas/job-use.js';

export interface JobUseDeps {
  pool: Pool;
  askUse?: AskUse | undefined;
}

/** What a job uses, asked of its machine. Only its customer learns it. */
export function jobUseRoutes({ pool, askUse }: JobUseDeps): RouteRule[] {
  const useOf = createUseReader(askUse);
  return [
    {
      method: 'GET',
      path: '/api/v1/jobs/:id/use',
      auth: 'any',
      scopes: ['jobs:read'],
      limit: 'read',
      summary:
        'What a job uses of processor, memory and GPUs, and what its main program is doing, asked of its machine',
      request: { query: jobUseQuery },
      responses: { 200: { description: 'The last hour', schema: jobUseReply } },
      errors: [
        'job_not_found',
        'job_not_running',
        'job_ended',
        'machine_not_asked',
        'machine_unreachable',
        'dependency_unavailable',
      ],
      async handler(ctx: ApiContext) {
        const job = await ownJob(pool, ctx);
        ctx.body = jobUseReplyOf(job.jobId, await useOf(job), ctx.state.query as JobUseQuery);
      },
    },
  ];
}
