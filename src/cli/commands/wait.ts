import type { Job } from '../../client/shapes.js';
import type { Context } from '../context.js';
import { durationText } from '../../words/durations.js';
import { isClientError } from '../error-words.js';
import { exitCodes, Failure, type ExitCode } from '../failure.js';
import { jobMeant } from '../job-words.js';
import { failureText, jobLabel } from '../../words/job-label.js';
import { clean } from '../../words/clean.js';
import { refreshSsh } from '../ssh/refresh.js';
import { jobState } from '../../words/states.js';
import type { Args } from '../tree/command.js';
import { createSteps } from '../up-steps.js';

interface Flags {
  for: 'running' | 'ended';
  timeout?: number;
}

/** A job that has failed, or whose machine was lost, ends a script that waited for its end. */
export async function run(context: Context, [word]: Args, flags: Flags): Promise<ExitCode> {
  const { screen, global } = context;
  const client = await context.client();
  const { job, active } = await jobMeant(client, word as string);
  const steps = createSteps(screen, await context.money());
  try {
    const reached = await client.jobs.waitUntil(job.job_id, flags.for, {
      onEvent: (event) => (flags.for === 'running' ? steps.tell(event) : undefined),
      ...(flags.timeout === undefined ? {} : { timeoutMs: flags.timeout * 1000 }),
    });
    steps.stop();
    await refreshSsh(context, [...active.filter(({ job_id }) => job_id !== job.job_id), reached]);
    if (global.json === true) screen.json(reached);
    else if (global.quiet === true) screen.print(reached.job_id);
    else if (!isFailed(reached)) screen.paragraph(`${jobLabel(reached)} is ${jobState(reached.status).word}`);
    if (!isFailed(reached)) return exitCodes.done;
    if (global.json === true) return exitCodes.notRunning;
    throw new Failure(exitCodes.notRunning, whyFailed(reached), remedyOf(reached));
  } catch (error) {
    if (isClientError(error) && error.code === 'timeout' && error.data['job_id'] !== undefined) {
      const line = `${jobLabel(job)} is not ${flags.for} after ${durationText(flags.timeout!)}; it is kept`;
      throw new Failure(exitCodes.timeout, line);
    }
    throw error;
  } finally {
    steps.stop();
  }
}

const isFailed = ({ status }: Job) => status === 'failed' || status === 'provider_lost';

function whyFailed(job: Job): string {
  const why = job.failure_reason === undefined ? clean(job.message ?? '') : failureText(job);
  return `${jobLabel(job)}: ${jobState(job.status).word}${why === '' ? '' : `: ${why}`}`;
}

/** Only of a job with a main program is there a log after its end. */
function remedyOf(job: Job): string {
  return `wl ${job.program === undefined ? 'show' : 'logs'} ${job.job_id}`;
}
