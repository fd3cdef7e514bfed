import { setTimeout as sleep } from 'node:timers/promises';
import { writtenUse } from '../../domain/written-use.js';
import type { Job } from '../../client/shapes.js';
import { jobLabel } from '../../words/job-label.js';
import type { Context } from '../context.js';
import { jobMeant } from '../job-words.js';
import { askUse } from '../ssh/ask-use.js';
import { sshQuestion } from '../ssh/log-in.js';
import type { Args } from '../tree/command.js';
import { showUse } from '../use-table.js';

interface Flags {
  once?: boolean;
  identity?: string;
}

const everyMs = 2_000;

/** What a job uses, asked of its machine by the system's ssh: so it works wherever a login does. */
export async function run(context: Context, [word]: Args, flags: Flags): Promise<void> {
  const { screen, global } = context;
  const { job, active } = await jobMeant(await context.client(), word as string);
  const question = await sshQuestion(context, job, active, flags.identity);
  const ask = async () => await askUse(question, jobLabel(job));
  if (global.json === true) return screen.json(writtenUse(job.job_id, await ask()));
  if (flags.once === true || screen.width === undefined || !screen.isLive) return showUse(screen, job, await ask());
  await again(context, job, ask);
}

/** Until Ctrl-C, which only leaves. */
async function again({ screen }: Context, job: Job, ask: () => ReturnType<typeof askUse>): Promise<void> {
  const leave = new AbortController();
  process.once('SIGINT', () => leave.abort());
  while (!leave.signal.aborted) {
    const use = await Promise.race([ask(), aborted(leave.signal)]);
    if (use === undefined) return;
    process.stdout.write('\u001b[H\u001b[2J\u001b[3J');
    showUse(screen, job, use);
    await sleep(everyMs, undefined, { signal: leave.signal }).catch(() => undefined);
  }
}

async function aborted(signal: AbortSignal): Promise<undefined> {
  return await new Promise((resolve) => signal.addEventListener('abort', () => resolve(undefined), { once: true }));
}
