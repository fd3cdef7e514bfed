import type { Job } from '../client/shapes.js';
import type { Context } from './context.js';
import { exitCodes } from './failure.js';
import { jobLabel } from '../words/job-label.js';
import { ask } from './terminal/ask.js';
import type { Steps } from './up-steps.js';

export type OnInterrupt = 'ask' | 'keep' | 'cancel';

/** How a job that starts is left by Ctrl-C or SIGTERM. */
export interface Leaving {
  /** Ends the wait. */
  signal: AbortSignal;
  /** From now on there is a job to keep or to cancel. */
  know(job: Job): void;
  /** Waits for the answer, if a question stands there. */
  settled(): Promise<void>;
  /** Whether the person has left; the job is then kept or cancelled, and that is said. */
  left(): Promise<boolean>;
  stop(): void;
}

/** How long somebody who leaves waits for the end of the job. */
const cancelWaitS = 10;

export function onInterrupt(context: Context, what: OnInterrupt, steps: Steps): Leaving {
  const abort = new AbortController();
  const { screen } = context;
  let job: Job | undefined;
  let choice: 'keep' | 'cancel' | undefined;
  let asking: Promise<void> | undefined;

  const leave = (how: 'keep' | 'cancel') => {
    choice = how;
    abort.abort();
  };
  const question = async () => {
    steps.pause();
    const words = steps.underWay();
    const still = `${words[0]!.toUpperCase()}${words.slice(1)}`;
    try {
      for (;;) {
        const answer = (await ask(`  ${still} [k]eep it, [c]ancel it, [w]ait on? `)).trim().toLowerCase();
        if (answer.startsWith('w')) return steps.goOn();
        if (answer.startsWith('c')) return leave('cancel');
        if (answer === '' || answer.startsWith('k')) return leave('keep');
      }
    } catch {
      // A second Ctrl-C, or the end of the input.
      leave('keep');
    } finally {
      asking = undefined;
    }
  };
  const onSigint = () => {
    if (job === undefined) leaveBeforeOrder(context);
    if (asking !== undefined) return leave('keep');
    if (what === 'ask' && screen.canAsk) asking = question();
    else leave(what === 'cancel' ? 'cancel' : 'keep');
  };
  const onSigterm = () => {
    if (job === undefined) leaveBeforeOrder(context);
    leave(what === 'cancel' ? 'cancel' : 'keep');
  };
  process.on('SIGINT', onSigint).on('SIGTERM', onSigterm);

  return {
    signal: abort.signal,
    know: (known) => (job = known),
    async settled() {
      await asking;
      // Somebody answered "cancel" when it had just begun to run.
      if (choice === 'cancel') throw new Error('left');
    },
    async left() {
      await asking;
      if (choice === undefined || job === undefined) return false;
      const name = jobLabel(job);
      if (choice === 'keep') screen.warn(`${name} goes on. To end it: wl down ${name}`);
      else await cancel(context, job);
      return true;
    },
    stop() {
      process.off('SIGINT', onSigint).off('SIGTERM', onSigterm);
    },
  };
}

async function cancel(context: Context, job: Job): Promise<void> {
  const name = jobLabel(job);
  const client = await context.client();
  try {
    const { status } = await client.jobs.end(job.job_id, { wait: cancelWaitS });
    context.screen.warn(status === 'ending' ? `${name} is ending` : `${name} is ${status}; nothing runs`);
  } catch {
    context.screen.warn(`the broker did not say that ${name} ends. Try again: wl down ${name}`);
  }
}

/** The order may be on its way, and nobody knows its id yet. */
function leaveBeforeOrder(context: Context): never {
  context.screen.live('');
  context.screen.warn('left before the broker had answered the order: wl ls shows whether it has it');
  process.exit(exitCodes.interrupted);
}
