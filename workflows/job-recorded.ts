import { workflowInfo } from '@temporalio/workflow';
import type { RecordedSteps } from './job-messages.js';

/** Those that its row, its charges and its capacity know of. */
const kept = ['placeJob', 'provisionJob', 'recordRunning', 'recordExtension', 'recordService', 'releaseJob'];

/** Of this run; each workflow has its own. */
const steps: RecordedSteps['steps'] = [];

/**
 * Remembers what these steps were given, once they are done: histories do not hold that for writes to Postgres. Each call is
 * passed on as it is, since an await here would change the order of commands.
 */
export function remembered<Steps extends object>(all: Steps): Steps {
  const calls = Object.entries(all as Record<string, (...args: unknown[]) => Promise<unknown>>);
  return Object.fromEntries(
    calls.map(([step, call]) => [
      step,
      !kept.includes(step)
        ? call
        : (...args: unknown[]) => {
            const called = call(...args);
            called.then(
              () => void steps.push({ step, args }),
              () => undefined,
            );
            return called;
          },
    ]),
  ) as Steps;
}

/** What this run has written down so far. */
export function stepsOfThisRun(): RecordedSteps {
  const { continuedFromExecutionRunId: continues } = workflowInfo();
  return { steps, ...(continues === undefined ? {} : { continues }) };
}
