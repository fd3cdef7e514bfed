import type { ProviderJob } from '../../client/providers.js';
import type { Context } from '../context.js';
import { momentText } from '../../words/durations.js';
import { priceText } from '../../words/money.js';
import { shortIds } from '../../words/short-ids.js';
import type { Args } from '../tree/command.js';

export async function run(context: Context, [id]: Args): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const jobs = await client.providers.jobs(id as string).all(500);
  if (global.json === true) return screen.json({ jobs, count: jobs.length });
  if (global.quiet === true) return jobs.forEach(({ job_id }) => screen.print(job_id));
  if (jobs.length === 0) return screen.note('No job runs there.');
  const money = await context.money();
  const time = context.time();
  const short = shortIds(jobs.map(({ job_id }) => job_id));
  const at = (moment: string | undefined) => (moment === undefined ? '–' : momentText(moment, time));
  screen.table(
    [
      { title: 'ID', of: (job: ProviderJob) => short.get(job.job_id)! },
      { title: 'GPUS', of: (job) => String(job.gpu_count), align: 'right' },
      { title: 'STARTED', of: (job) => at(job.started_at), keep: 1 },
      { title: 'ENDS', of: (job) => at(job.expires_at) },
      { title: `${money.symbol}/H`, of: (job) => priceText(job.price_per_hour), align: 'right', keep: 2 },
      { title: `EARNED ${money.symbol}`, of: (job) => money.amount(job.earned), align: 'right' },
    ],
    jobs,
  );
}
