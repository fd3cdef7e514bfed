import type { Context } from '../context.js';
import { jobMeant } from '../job-words.js';
import type { Args } from '../tree/command.js';
import { logText } from '../../words/log-text.js';

interface Flags {
  follow?: boolean;
  tail?: number;
  /** Seconds ago. */
  since?: number;
}

/** What a job has written, as it is; for programs with the time of each line. */
export async function run(context: Context, [word]: Args, flags: Flags): Promise<void> {
  const { screen, global } = context;
  const client = await context.client();
  const { job } = await jobMeant(client, word as string);
  const part = {
    ...(flags.tail === undefined ? {} : { tail: flags.tail }),
    ...(flags.since === undefined ? {} : { since: new Date(Date.now() - flags.since * 1000) }),
  };
  if (flags.follow === true) {
    const say = (text: string) => screen.note(text);
    for await (const line of client.jobs.logs(job.job_id, { ...part, onNote: say })) {
      screen.print(global.json === true ? JSON.stringify(line) : logText(line.line));
    }
    return;
  }
  const log = await client.jobs.log(job.job_id, part);
  if (global.json === true) return screen.json(log);
  if (log.note !== undefined) screen.note(log.note);
  if (log.truncated) screen.note('the beginning is left out: it is too long');
  for (const line of log.lines) screen.print(logText(line.line));
}
