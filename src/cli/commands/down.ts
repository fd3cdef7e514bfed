import type { Context } from '../context.js';
import type { Job } from '../../client/shapes.js';
import { durationText } from '../../words/durations.js';
import { told } from '../error-words.js';
import { exitCodes, Failure, usage, type ExitCode } from '../failure.js';
import { activeJobs, jobMeant } from '../job-words.js';
import { jobLabel } from '../../words/job-label.js';
import type { Money } from '../../words/money.js';
import { refreshSsh } from '../ssh/refresh.js';
import { jobState } from '../../words/states.js';
import { confirm } from '../terminal/ask.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';

interface Flags {
  all?: boolean;
  name?: string;
  wait?: number;
  yes?: boolean;
}

const waitS = 10;
/** The longest that the broker lets a request wait. */
const mostWaitS = 60;

export async function run(context: Context, [words]: Args, flags: Flags): Promise<ExitCode | void> {
  const { screen, global } = context;
  const client = await context.client();
  const jobs = await meant(context, (words as string[] | undefined) ?? [], flags);
  if (jobs.length === 0) return screen.note('Nothing runs.');
  await agree(context, jobs, flags);
  const money = await context.money();
  const wait = Math.min(flags.wait ?? waitS, mostWaitS);
  const ended: Job[] = [];
  let exitCode: ExitCode = exitCodes.done;
  await Promise.all(
    jobs.map(async (job) => {
      try {
        ended.push(await client.jobs.end(job.job_id, { wait }));
      } catch (error) {
        const { line, exitCode: code } = told(error, { api: context.api() });
        screen.warn(`${screen.paintNote('red', '✗')} ${jobLabel(job, jobs)}: ${line}`);
        exitCode = code;
      }
    }),
  );
  ended.sort((a, b) => a.job_id.localeCompare(b.job_id));
  if (global.json === true) screen.json({ jobs: ended, count: ended.length });
  else if (global.quiet === true) ended.forEach(({ job_id }) => screen.print(job_id));
  else for (const job of ended) screen.paragraph(endedText(job, jobs, money), '  ');
  await refreshSsh(context, await activeJobs(client).catch(() => []));
  return exitCode;
}

async function meant(context: Context, words: readonly string[], flags: Flags): Promise<Job[]> {
  const isBySelection = flags.all === true || flags.name !== undefined;
  if (words.length === 0 && !isBySelection) throw usage('which jobs?', 'wl down NAME…, or --all, or --name "train-*"');
  if (words.length > 0 && isBySelection) throw usage('give names, or --all, or --name, and not several of these');
  const client = await context.client();
  if (isBySelection) {
    const fits = flags.name === undefined ? () => true : globOf(flags.name);
    return (await activeJobs(client)).filter((job) => job.status !== 'ending' && fits(job.job_name ?? ''));
  }
  const found: Job[] = [];
  for (const word of words) {
    const { job } = await jobMeant(client, word);
    if (!found.some(({ job_id }) => job_id === job.job_id)) found.push(job);
  }
  return found;
}

/** `*` is anything, `?` one character. */
function globOf(glob: string): (name: string) => boolean {
  const parts = [...glob].map((each) =>
    each === '*' ? '.*' : each === '?' ? '.' : each.replace(/[^a-z0-9]/gi, '\\$&'),
  );
  const pattern = new RegExp(`^${parts.join('')}$`, 'su');
  return (name) => pattern.test(name);
}

async function agree(context: Context, jobs: readonly Job[], flags: Flags): Promise<void> {
  const isBySelection = flags.all === true || flags.name !== undefined;
  if (flags.yes === true || !isBySelection) return;
  const names = jobs.map((job) => jobLabel(job, jobs)).join(', ');
  if (!context.screen.canAsk) throw usage(`this would end ${jobs.length}: ${names}`, 'if that is meant: -y');
  if (!(await confirm(`End ${clean(names)}?`, false))) throw new Failure(exitCodes.interrupted, 'nothing was ended');
}

function endedText(job: Job, among: readonly Job[], money: Money): string {
  const name = jobLabel(job, among);
  const { word } = jobState(job.status);
  const ran =
    job.started_at !== undefined && job.ended_at !== undefined
      ? ` after ${durationText((Date.parse(job.ended_at) - Date.parse(job.started_at)) / 1000)}`
      : '';
  const cost = job.cost === undefined ? '' : `: ${money.sum(job.cost.spent)}`;
  return job.status === 'ending' ? `${name} is ending` : `${name} is ${word}${ran}${cost}`;
}
