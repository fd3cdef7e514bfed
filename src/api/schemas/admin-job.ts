import { z } from 'zod';
import type { JobInCluster } from '../../db/admin-jobs.js';
import { isFinal, jobObjectName, jobWorkflowId } from '../../domain/job.js';
import { providerIdSchema } from '../../domain/registration.js';
import { address } from '../../wire/shapes.js';
import { workflowLink, type WorkflowLinkConfig } from '../workflow-link.js';
import { jobStatusesQuery } from './job-statuses.js';
import { jobReply, jobReplyOf } from './job.js';
import { pageQuery, queryNumber } from './page.js';

/** A job as an operator sees it. */
export const adminJobReply = jobReply
  .extend({
    wallet: z.string(),
    workflow_url: z.string().optional().describe('In the Temporal UI; only where the site has set its address'),
    pod: z
      .object({ namespace: z.string(), name: z.string(), node: z.string() })
      .optional()
      .describe('While the job holds a machine'),
  })
  .meta({ id: 'AdminJob' });

export const adminJobListReply = z
  .object({
    jobs: z.array(adminJobReply),
    count: z.int(),
    next_cursor: z.string().optional().describe('Send it as `cursor` for the next page; absent on the last'),
  })
  .meta({ id: 'AdminJobs' });

export const adminJobsQuery = pageQuery.extend({
  wallet: address.optional(),
  provider_id: providerIdSchema.optional(),
  status: jobStatusesQuery,
  older_than_s: queryNumber(z.number().int().min(0).max(3_153_600_000))
    .optional()
    .describe('Ordered longer ago than this'),
});

export function adminJobReplyOf(found: JobInCluster, config: WorkflowLinkConfig): z.infer<typeof adminJobReply> {
  const { job, namespace, nodeName } = found;
  return {
    ...jobReplyOf(job),
    wallet: job.wallet,
    ...workflowLink(config, jobWorkflowId(job.jobId)),
    ...(nodeName === undefined || isFinal(job.status)
      ? {}
      : { pod: { namespace, name: jobObjectName(job.jobId), node: nodeName } }),
  };
}
