import type { Pool } from 'pg';
import { z } from 'zod';
import { findAnyJob, listAnyJobs, type JobInCluster } from '../../db/admin-jobs.js';
import { jobFailureFacts } from '../../db/job-failures.js';
import { BrokerError } from '../../domain/errors.js';
import { isFinal } from '../../domain/job.js';
import { sentence } from '../../domain/outside.js';
import { printableText } from '../../domain/printable.js';
import { isUuid } from '../../domain/uuid.js';
import { actorOf, auditedCommand } from '../audited.js';
import { answerEnd, endJob } from '../end-job.js';
import type { JobCommands } from '../job-commands.js';
import { waitHeaders, waitingWithinMs } from '../prefer.js';
import type { ApiContext, RouteRule } from '../route.js';
import { adminJobListReply, adminJobReply, adminJobReplyOf, adminJobsQuery } from '../schemas/admin-job.js';
import type { WorkflowLinkConfig } from '../workflow-link.js';

const reply = z.object({
  job_id: z.string(),
  wallet: z.string(),
  provider_id: z.string().optional(),
  image: z.string(),
  failure_reason: z.string().optional().describe('Absent unless the job failed'),
  failure_message: z.string().optional().describe('What the customer is told'),
  kubernetes_said: z.string().optional(),
});

const endBody = z.strictObject({
  reason: printableText(500).min(1).describe('Why; the customer reads it in `message`'),
});

interface AdminJobDeps {
  config: WorkflowLinkConfig;
  pool: Pool;
  jobs: JobCommands;
}

/** Jobs of all customers, for operators. */
export function adminJobRoutes(deps: AdminJobDeps): RouteRule[] {
  return [...listRoutes(deps), ...endRoutes(deps), ...failureRoutes(deps)];
}

function listRoutes({ config, pool }: AdminJobDeps): RouteRule[] {
  const operators = { method: 'GET', auth: 'signed', scopes: ['admin'], limit: 'read' } as const;
  return [
    {
      ...operators,
      path: '/api/v1/admin/jobs',
      summary: 'List the jobs of all customers, newest first',
      request: { query: adminJobsQuery },
      responses: { 200: { description: 'One page', schema: adminJobListReply } },
      errors: [],
      handler: async (ctx) => {
        const query = ctx.state.query as z.output<typeof adminJobsQuery>;
        const { wallet, status: statuses, provider_id: providerId, older_than_s: olderThanS, limit, cursor } = query;
        const page = await listAnyJobs(pool, { wallet, statuses, providerId, olderThanS, limit, cursor });
        ctx.body = {
          jobs: page.jobs.map((job) => adminJobReplyOf(job, config)),
          count: page.jobs.length,
          ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }),
        } satisfies z.infer<typeof adminJobListReply>;
      },
    },
    {
      ...operators,
      path: '/api/v1/admin/jobs/:id',
      summary: 'Read a job of any customer, and where it is in the cluster',
      responses: { 200: { description: 'The job', schema: adminJobReply } },
      errors: ['job_not_found'],
      handler: async (ctx) => {
        ctx.body = adminJobReplyOf(await jobInPath(pool, ctx), config);
      },
    },
  ];
}

/** An operator ends a job as its customer would: what it served is paid for, and the rest is released. */
function endRoutes({ config, pool, jobs }: AdminJobDeps): RouteRule[] {
  return [
    {
      method: 'DELETE',
      path: '/api/v1/admin/jobs/:id',
      auth: 'signed',
      scopes: ['admin'],
      limit: 'write',
      summary: 'End a job of any customer, who is told the reason',
      request: { body: endBody, headers: waitHeaders },
      responses: {
        200: { description: 'The job has ended', schema: adminJobReply },
        202: { description: 'The job is ending: poll its Location', schema: adminJobReply },
      },
      errors: ['job_not_found'],
      answerWithinMs: waitingWithinMs,
      handler: async (ctx) => {
        let found = await jobInPath(pool, ctx);
        const { job } = found;
        const { reason } = ctx.state.body as z.output<typeof endBody>;
        // A job that has ended stays as it is, so there is nothing to record.
        if (!isFinal(job.status)) {
          const entry = {
            ...actorOf(ctx),
            action: 'job.end',
            target: job.jobId,
            detail: { reason, wallet: job.wallet },
          };
          const readAgain = async () => (found = await jobInPath(pool, ctx)).job;
          const ender = { by: 'the operator', reason: sentence(reason) };
          await auditedCommand(pool, entry, () => endJob(jobs, ctx, job, { ...ender, readAgain }));
        }
        answerEnd(ctx, found.job, `/api/v1/admin/jobs/${job.jobId}`);
        ctx.body = adminJobReplyOf(found, config);
      },
    },
  ];
}

async function jobInPath(pool: Pool, ctx: ApiContext): Promise<JobInCluster> {
  const id = ctx.state.params['id']!.toLowerCase();
  const found = isUuid(id) ? await findAnyJob(pool, id) : undefined;
  if (found === undefined) throw new BrokerError('job_not_found', 'there is no job with this id');
  return found;
}

/** If an image does not exist, a customer is told only the kind of problem; an operator has to read the details. */
function failureRoutes({ pool }: AdminJobDeps): RouteRule[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/admin/jobs/:id/failure',
      auth: 'signed',
      scopes: ['admin'],
      limit: 'read',
      summary: 'Why a job failed, in the words of Kubernetes',
      responses: { 200: { description: 'The reason', schema: reply } },
      errors: ['job_not_found'],
      handler: async (ctx) => {
        const id = ctx.state.params['id']!.toLowerCase();
        const job = isUuid(id) ? await jobFailureFacts(pool, id) : undefined;
        if (job === undefined) throw new BrokerError('job_not_found', 'there is no job with this id');
        ctx.body = {
          job_id: job.jobId,
          wallet: job.wallet,
          ...(job.providerId === undefined ? {} : { provider_id: job.providerId }),
          image: job.image,
          ...(job.failure === undefined
            ? {}
            : {
                failure_reason: job.failure.reason,
                failure_message: sentence(job.failure.message),
                kubernetes_said: sentence(job.failure.words),
              }),
        } satisfies z.infer<typeof reply>;
      },
    },
  ];
}
