import { limitBelow } from '../confirm-above.js';
import type { Context } from '../context.js';
import type { Job } from '../../client/shapes.js';
import { durationText } from '../../words/durations.js';
import { exitCodes, Failure, usage } from '../failure.js';
import { warnOfLimits } from '../limit-warning.js';
import { endSentence } from '../job-table.js';
import { jobMeant } from '../job-words.js';
import { jobLabel } from '../../words/job-label.js';
import { warnOfSessionEnd } from '../session-end.js';
import { confirm } from '../terminal/ask.js';
import type { Args } from '../tree/command.js';

interface Flags {
  hours?: number;
  until?: Date;
  idempotencyKey?: string;
  yes?: boolean;
}

export async function run(context: Context, [word]: Args, flags: Flags): Promise<void> {
  if ((flags.hours === undefined) === (flags.until === undefined)) {
    throw usage('say how much longer', `wl extend ${word as string} --hours 2   or: --until 21:30`);
  }
  const { screen, global } = context;
  const client = await context.client();
  const { job } = await jobMeant(client, word as string);
  const seconds = flags.hours === undefined ? untilS(job, flags.until!) : flags.hours * 3_600;
  if (seconds <= 0) throw usage(`${jobLabel(job)} runs longer than that already`);
  await agreeOnPrice(context, job, seconds, flags.yes === true);
  const by = flags.until === undefined ? { hours: flags.hours! } : { until: flags.until };
  const key = flags.idempotencyKey === undefined ? {} : { idempotencyKey: flags.idempotencyKey };
  const extended = await client.jobs.extend(job.job_id, by, key);
  if (global.json === true) return screen.json(extended);
  if (global.quiet === true) return screen.print(extended.job_id);
  screen.paragraph(`${jobLabel(extended)} ends ${endSentence(extended, context.time()) ?? 'later'}`);
  await warnOfLimits(context, client);
  await warnOfSessionEnd(context, [extended]);
}

function untilS(job: Job, until: Date): number {
  const from = job.expires_at === undefined ? Date.now() : Date.parse(job.expires_at);
  return (until.getTime() - from) / 1000;
}

async function agreeOnPrice(context: Context, job: Job, seconds: number, isAgreed: boolean): Promise<void> {
  const { screen } = context;
  if (job.cost?.per_second === undefined) return;
  const money = await context.money();
  const cost = BigInt(job.cost.per_second) * BigInt(Math.ceil(seconds));
  screen.note(`${durationText(seconds)} more: ${money.sum(cost.toString())}`);
  const limit = limitBelow(cost, context.settings, money);
  if (isAgreed || limit === undefined) return;
  if (!screen.canAsk) throw usage(`that is more than the ${limit} of confirm_above`, 'if that is meant: -y');
  if (!(await confirm('Extend?', false))) throw new Failure(exitCodes.interrupted, 'nothing was extended');
}
