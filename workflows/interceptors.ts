import type { WorkflowInterceptorsFactory } from '@temporalio/workflow';

/**
 * Gives a summary to the timers that the SDK starts by itself: those before it tries a failed write to Postgres again.
 * All others have their own. Each call is passed on at once: an await here would change the order of commands.
 */
export const interceptors: WorkflowInterceptorsFactory = () => ({
  outbound: [
    {
      startTimer: ({ options, ...timer }, next) =>
        next({ ...timer, options: { summary: 'before a failed write is tried again', ...options } }),
    },
  ],
});
