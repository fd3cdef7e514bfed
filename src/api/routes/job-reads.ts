import type { Pool } from 'pg';
import { z } from 'zod';
import { renameJob } from '../../db/job-changes.js';
import { listJobs } from '../../db/jobs.js';
import { jobNameSchema } from '../../domain/job-request.js';
import { ownJob } from '../own-job.js';
import { ownJobReply } from '../own-job-reply.js';
import { principalOf } from '../principal.js';
import type { RouteRule } from '../route.js';
import { jobStatusesQuery } from '../schemas/job-statuses.js';
import { jobListReply, jobReply } from '../schemas/job.js';
import { pageQuery, queryText } from '../schemas/page.js';

const listQuery = pageQuery.extend({
  status: jobStatusesQuery,
  name: queryText.optional().describe('Exactly this `job_name`'),
  provider_id: queryText.optional(),
  since: z.iso
    .datetime({ offset: true })
    .transform((text) => new Date(text))
    .optional()
    .describe('Ordered at this time or later'),
});
const renameSchema = z.strictObject({
  job_name: z.union([z.null(), jobNameSchema.min(1)]).describe('The new name; `null` takes it away'),
});
/** What a customer reads of his jobs, and their names. */
export function jobReadRoutes({ pool }: { pool: Pool }): RouteRule[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/jobs',
      auth: 'any',
      scopes: ['jobs:read'],
      limit: 'read',
      summary: 'List your jobs, newest first',
      request: { query: listQuery },
      responses: { 200: { description: 'One page', schema: jobListReply } },
      errors: [],
      handler: async (ctx) => {
        const { status, limit, cursor, name, provider_id, since } = ctx.state.query as z.output<typeof listQuery>;
        const page = await listJobs(pool, principalOf(ctx).wallet, {
          limit,
          ...(status === undefined ? {} : { statuses: status }),
          ...(cursor === undefined ? {} : { cursor }),
          ...(name === undefined ? {} : { name }),
          ...(provider_id === undefined ? {} : { providerId: provider_id }),
          ...(since === undefined ? {} : { since }),
        });
        ctx.body = {
          jobs: await Promise.all(page.jobs.map((job) => ownJobReply(pool, principalOf(ctx), job))),
          count: page.jobs.length,
          ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }),
        };
      },
    },
    {
      method: 'GET',
      path: '/api/v1/jobs/:id',
      auth: 'any',
      scopes: ['jobs:read'],
      limit: 'read',
      summary: 'Read one of your jobs',
      responses: { 200: { description: 'The job', schema: jobReply } },
      errors: ['job_not_found'],
      handler: async (ctx) => {
        ctx.body = await ownJobReply(pool, principalOf(ctx), await ownJob(pool, ctx));
      },
    },
    {
      method: 'PATCH',
      path: '/api/v1/jobs/:id',
      auth: 'any',
      scopes: ['jobs:write'],
      limit: 'write',
      summary: 'Name a job anew',
      request: { body: renameSchema },
      responses: { 200: { description: 'The job with its new name', schema: jobReply } },
      errors: ['job_not_found'],
      handler: async (ctx) => {
        const { jobId, wallet } = await ownJob(pool, ctx);
        const { job_name } = ctx.state.body as z.output<typeof renameSchema>;
        await renameJob(pool, wallet, jobId, job_name);
        ctx.body = await ownJobReply(pool, principalOf(ctx), await ownJob(pool, ctx));
      },
    },
  ];
}
