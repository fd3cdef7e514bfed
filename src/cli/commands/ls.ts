import type { JobQuery } from '../../client/jobs.js';
import type { Job } from '../../client/shapes.js';
import type { Context } from '../context.js';
import { readDuration, readMoment } from '../../words/durations.js';
import { usage } from '../failure.js';
import { jobColumns } from '../job-table.js';
import { refreshSsh } from '../ssh/refresh.js';
import { warnOfSessionEnd } from '../session-end.js';
import type { Args } from '../tree/command.js';
import { watch } from '../watch.js';

interface Flags {
  all?: boolean;
  status?: string[];
  provider?: string;
  since?: string;
  watch?: boolean;
}

const mostJobs = 500;
const dayMs = 86_400_000;

export async function run(context: Context, _args: Args, flags: Flags): Promise<void> {
  const query = queryOf(flags);
  if (flags.watch === true) return await watch(context, 5, () => show(context, query, flags));
  await show(context, query, flags);
}

function queryOf(flags: Flags): JobQuery {
  return {
    limit: 100,
    ...(flags.status !== undefined ? { status: flags.status } : flags.all === true ? {} : { status: 'active' }),
    ...(flags.provider === undefined ? {} : { providerId: flags.provider }),
    ...(flags.since === undefined ? {} : { since: sinceOf(flags.since) }),
  };
}

/** `2d` is two days ago; `08:00` the last one. */
function sinceOf(text: string): Date {
  const seconds = readDuration(text);
  if (seconds !== undefined) return new Date(Date.now() - seconds * 1000);
  const moment = readMoment(text, Date.now());
  if (moment === undefined) throw usage(`--since ${text}: give a time such as 2d, 08:00 or 2026-11-27`);
  return moment.getTime() > Date.now() ? new Date(moment.getTime() - dayMs) : moment;
}

async function show(context: Context, query: JobQuery, flags: Flags): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const jobs = await client.jobs.list(query).all(mostJobs);
  const isAllActive = query.status === 'active' && Object.keys(query).length === 2;
  if (isAllActive) await refreshSsh(context, jobs);
  if (global.json === true) return screen.json({ jobs, count: jobs.length });
  if (global.quiet === true) return jobs.forEach(({ job_id }) => screen.print(job_id));
  if (jobs.length > 0) screen.table(jobColumns(jobs, await context.money(), context.time()), jobs);
  else
    screen.note(
      flags.all === true ? 'You have no jobs. wl offers shows what there is.' : 'Nothing runs. wl up GPU rents.',
    );
  if (isAllActive) await sayFailed(context);
  await warnOfSessionEnd(context, jobs);
}

async function sayFailed(context: Context): Promise<void> {
  const client = await context.client();
  const since = new Date(Date.now() - dayMs);
  const failed: Job[] = await client.jobs.list({ status: ['failed', 'provider_lost'], since, limit: 100 }).all(100);
  if (failed.length === 0) return;
  const count = failed.length === 100 ? '100 or more' : String(failed.length);
  context.screen.note(`${count} more ${failed.length === 1 ? 'has' : 'have'} failed within a day: wl ls -a`);
}
