import type { Pool } from 'pg';
import { z } from 'zod';
import { jobFailureFacts } from '../../db/job-failures.js';
import { BrokerError } from '../../domain/errors.js';
import { sentence } from '../../domain/outside.js';
import { isUuid } from '../../domain/uuid.js';
import type { RouteRule } from '../route.js';

const reply = z.object({
  job_id: z.string(),
  wallet: z.string(),
  provider_id: z.string().optional(),
  image: z.string(),
  failure_reason: z.string().optional().describe('Absent unless the job failed'),
  failure_message: z.string().optional().describe('What the customer is told'),
  kubernetes_said: z.string().optional(),
});

/** If an image does not exist, a customer is told only the kind of problem; an operator has to read the details. */
export function adminJobRoutes({ pool }: { pool: Pool }): RouteRule[] {
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
