import type { AdminJob } from '../../client/admin.js';
import type { Context } from '../context.js';
import { jobColumns } from '../job-table.js';
import type { Args } from '../tree/command.js';

interface Flags {
  wallet?: string;
  provider?: string;
  status?: string;
  olderThan?: number;
}

export async function run(context: Context, _args: Args, flags: Flags): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const jobs = await client.admin.jobs
    .list({
      ...(flags.wallet === undefined ? {} : { wallet: flags.wallet }),
      ...(flags.provider === undefined ? {} : { providerId: flags.provider }),
      status: flags.status ?? 'active',
      ...(flags.olderThan === undefined ? {} : { olderThanS: flags.olderThan }),
    })
    .all(500);
  if (global.json === true) return screen.json({ jobs, count: jobs.length });
  if (global.quiet === true) return jobs.forEach(({ job_id }) => screen.print(job_id));
  if (jobs.length === 0) return screen.note('No job is like that.');
  const [glyph, name, ...rest] = jobColumns(jobs, await context.money(), context.time());
  const wallet = { title: 'WALLET', of: (job: AdminJob) => job.wallet, isText: true, keep: 1 };
  screen.table([glyph!, name!, ...rest, wallet], jobs);
}
