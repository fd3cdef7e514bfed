import type { WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { summaryOf } from './summaries.js';

/**
 * Gives a summary to the timers that the SDK starts by itself: those before it tries a failed write to Postgres again.
 * All others have their own. Each call is passed on at once: an await here would change the order of commands.
 */
export const interceptors: WorkflowInterceptorsFactory = () => {
  /** The write that failed last. It is heard of here first, and next by the SDK, which starts its timer at once. */
  let failed = '';
  return {
    outbound: [
      {
        scheduleLocalActivity(input, next) {
          const made = next(input);
          made.catch(() => void (failed = input.options.summary ?? input.activityType));
          return made;
        },
        startTimer: ({ options, ...timer }, next) =>
          next({ ...timer, options: { ...summaryOf(`tries again after a failure: ${failed}`), ...options } }),
      },
    ],
  };
};
