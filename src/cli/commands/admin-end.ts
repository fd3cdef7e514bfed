import type { Context } from '../context.js';
import { isUuid } from '../../domain/uuid.js';
import { exitCodes, Failure, usage } from '../failure.js';
import { idsMeant } from '../../words/short-ids.js';
import { jobState } from '../../words/states.js';
import { confirm } from '../terminal/ask.js';
import { clean } from '../../words/clean.js';
import type { Args } from '../tree/command.js';

const waitS = 10;

export async function run(context: Context, [word]: Args, flags: { reason: string; yes?: boolean }): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const id = isUuid(word as string) ? (word as string) : await activeId(context, word as string);
  if (flags.yes !== true) {
    const job = await client.admin.jobs.get(id);
    const question = `End ${clean(job.job_name ?? job.job_id)} of ${clean(job.wallet)}?`;
    if (!screen.canAsk) throw usage(question, 'if that is meant: -y');
    if (!(await confirm(question, false))) throw new Failure(exitCodes.interrupted, 'nothing was ended');
  }
  const job = await client.admin.jobs.end(id, { reason: flags.reason, wait: waitS });
  if (global.json === true) return screen.json(job);
  if (global.quiet === true) return screen.print(job.job_id);
  screen.paragraph(`${job.job_id} is ${jobState(job.status).word}; its customer reads why.`);
}

async function activeId(context: Context, word: string): Promise<string> {
  const client = await context.client();
  const ids: string[] = [];
  for await (const job of client.admin.jobs.list({ status: 'active' })) ids.push(job.job_id);
  const meant = idsMeant(word, ids);
  if (meant.length === 1) return meant[0]!;
  if (meant.length === 0)
    throw new Failure(exitCodes.notFound, `no job that runs ends in "${clean(word)}"`, 'wl admin jobs');
  throw usage(`"${clean(word)}" means ${meant.length} jobs`, 'give more letters');
}
