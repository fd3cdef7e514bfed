import type { Job, JobEvent } from '../../client/shapes.js';
import type { Context } from '../context.js';
import { clockText } from '../../words/durations.js';
import { exitCodes, type ExitCode } from '../failure.js';
import { gpusText } from '../../words/gpu-text.js';
import { endpointLines } from '../endpoint-words.js';
import { endSentence } from '../job-table.js';
import { jobHistory } from '../job-history.js';
import { jobMeant } from '../job-words.js';
import { failureText, jobLabel } from '../../words/job-label.js';
import { priceText, type Money } from '../../words/money.js';
import { warnOfSessionEnd } from '../session-end.js';
import { hostAliases } from '../../words/ssh-target.js';
import { isIncluded, refreshSsh } from '../ssh/refresh.js';
import { jobState } from '../../words/states.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';
import { eventText } from '../../words/event-text.js';

export async function run(context: Context, [word]: Args, flags: { events?: boolean }): Promise<ExitCode | void> {
  const { screen, global } = context;
  const client = await context.client();
  const { job, active } = await jobMeant(client, word as string);
  await refreshSsh(context, active);
  if (global.quiet === true) return screen.print(job.job_id);
  const wantsEvents = flags.events === true || global.json !== true;
  const events = wantsEvents ? await jobHistory(client, job.job_id) : [];
  if (global.json === true) return screen.json(flags.events === true ? { ...job, events } : job);
  const money = await context.money();
  for (const line of describe(context, { job, active, events, money })) screen.paragraph(line, '  ');
  if (flags.events === true) sayEvents(context, events);
  await warnOfSessionEnd(context, [job]);
  return exitCodes.done;
}

interface Described {
  job: Job;
  active: readonly Job[];
  events: readonly JobEvent[];
  money: Money;
}

function describe(context: Context, { job, active, events, money }: Described): string[] {
  const { screen } = context;
  const { glyph, word, style } = jobState(job.status);
  const on = job.provider_id === undefined ? '' : ` on ${clean(job.provider_id)}`;
  const sizes = `${gpusText(job.gpu_count, job.gpu_model, job.gpu_type)}, ${job.cpu_cores} cores, ${job.memory_gb} GB`;
  const lines = [`${jobLabel(job)} ${screen.paint(style, `${glyph} ${word}`)}${on}   ${clean(sizes)}`];
  const ends = job.status === 'running' ? endSentence(job, context.time()) : undefined;
  if (job.cost !== undefined) {
    lines.push(
      `  cost so far ${money.sum(job.cost.spent)} of ${money.amount(job.cost.reserved)}, ${priceText(job.price_per_hour)} an hour`,
    );
  }
  if (ends !== undefined) lines.push(`  ends ${ends}`);
  if (job.message !== undefined) lines.push(`  ${clean(job.message)}`);
  if (job.failure_reason !== undefined) lines.push(`  ${failureText(job)}`);
  if (job.suggestion !== undefined) lines.push(`  ${clean(job.suggestion.message)}`);
  lines.push(`  image ${clean(job.image)}`);
  if (job.image_digest !== undefined) lines.push(`  digest ${clean(job.image_digest)}`);
  if (job.template !== undefined) lines.push(`  template ${clean(job.template)}`);
  if (job.status === 'running') lines.push(...loginLines(context, job, active));
  lines.push(...endpointLines(job));
  const told = events.slice(-8).map((event) => `${clockText(event.at, context.time())} ${eventText(event)}`);
  if (told.length > 0) lines.push(`  ${told.join(' · ')}`);
  lines.push(`  id ${job.job_id}`);
  return lines;
}

function loginLines(context: Context, job: Job, active: readonly Job[]): string[] {
  const alias = hostAliases([...active.filter(({ job_id }) => job_id !== job.job_id), job]).get(job.job_id)![0]!;
  const login = isIncluded(context) ? `ssh ${alias}` : `wl ssh ${jobLabel(job)}`;
  const key = job.ssh_host_key_fingerprint === undefined ? [] : [`  host key ${clean(job.ssh_host_key_fingerprint)}`];
  return [`  ${login}`, ...key];
}

function sayEvents(context: Context, events: readonly JobEvent[]): void {
  const { screen } = context;
  screen.print('');
  screen.table(
    [
      { title: 'AT', of: (event: JobEvent) => clockText(event.at, context.time()) },
      { title: 'EVENT', of: (event) => event.kind },
      { title: '', of: (event) => event.text ?? '', isText: true },
    ],
    events,
  );
}
