import { z } from 'zod';
import type { ProviderJob } from '../../db/provider-jobs.js';
import type { UsageSeries } from '../../db/provider-samples.js';
import { jobStatuses } from '../../wire/statuses.js';
import { pageQuery } from './page.js';

export const providerJobsQuery = pageQuery.extend({
  status: z.enum(['active', 'all']).default('all').describe('`active` leaves out jobs that have ended'),
});

export const providerJobsReply = z
  .object({
    jobs: z.array(
      z.object({
        job_id: z.uuid(),
        status: z.enum(jobStatuses),
        gpu_type: z.string().optional(),
        gpu_count: z.int(),
        created_at: z.iso.datetime(),
        started_at: z.iso.datetime().optional(),
        expires_at: z.iso.datetime().optional(),
        ended_at: z.iso.datetime().optional(),
        price_per_hour: z.number().optional().describe('For the whole job, in token units'),
        earned: z.string().describe('Base units that its customer was charged'),
        pending: z.string().describe('Base units that are held while it has not ended'),
      }),
    ),
    count: z.int(),
    next_cursor: z.string().optional().describe('Send it as `cursor` for the next page; absent on the last'),
  })
  .meta({ id: 'ProviderJobs' });

export function providerJobsReplyOf(page: {
  jobs: readonly ProviderJob[];
  nextCursor?: string;
}): z.infer<typeof providerJobsReply> {
  return {
    jobs: page.jobs.map((job) => ({
      job_id: job.jobId,
      status: job.status,
      ...(job.gpuType === undefined ? {} : { gpu_type: job.gpuType }),
      gpu_count: job.gpuCount,
      created_at: job.createdAt.toISOString(),
      ...(job.startedAt === undefined ? {} : { started_at: job.startedAt.toISOString() }),
      ...(job.expiresAt === undefined ? {} : { expires_at: job.expiresAt.toISOString() }),
      ...(job.endedAt === undefined ? {} : { ended_at: job.endedAt.toISOString() }),
      ...(job.pricePerHour === undefined ? {} : { price_per_hour: job.pricePerHour }),
      earned: job.earned.toString(),
      pending: job.pending.toString(),
    })),
    count: page.jobs.length,
    ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }),
  };
}

/** Some hundred steps for each range: as many as a picture has room for. */
export const usageSteps = {
  '24h': { steps: 288, stepS: 300 },
  '7d': { steps: 336, stepS: 1_800 },
  '30d': { steps: 360, stepS: 7_200 },
} as const;

export const usageQuery = z.object({ range: z.enum(['24h', '7d', '30d']).default('24h') });

const column = z.array(z.number().nullable());

export const usageReply = z
  .object({
    from: z.iso.datetime().describe('The beginning of the first step'),
    step_s: z.int(),
    gpu: column.describe('Percent, the mean of its GPUs; null without a sample, or without GPUs'),
    cpu: column.describe('Percent'),
    memory: column.describe('Percent'),
    rented_gpus: column,
  })
  .meta({ id: 'ProviderUsage' });

export function usageReplyOf({ from, stepS, gpu, cpu, memory, rentedGpus }: UsageSeries): z.infer<typeof usageReply> {
  return { from: from.toISOString(), step_s: stepS, gpu, cpu, memory, rented_gpus: rentedGpus };
}
