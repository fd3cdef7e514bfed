import { condition, sleep, type ActivityInterfaceFor } from '@temporalio/workflow';

/** The server takes 400 bytes, and a character has three at most. Names in these texts come from outside, and may be long. */
const longest = 130;

/** What operators read at a step or a timer of a history. */
export function summaryOf(text: string): { summary: string } {
  return { summary: text.length > longest ? `${text.slice(0, longest - 1)}…` : text };
}

/** A summary for each activity: fixed, or made of what it is called with. It must contain no secret. */
export type Summaries<Steps> = {
  [Step in keyof Steps]: Steps[Step] extends (...args: infer Args) => unknown
    ? string | ((...args: Args) => string)
    : never;
};

/** The activities of a proxy, each with its summary. Summaries change no command, so histories without them fit. */
export function summarized<Steps>(proxy: ActivityInterfaceFor<Steps>, summaries: Summaries<Steps>): Steps {
  const steps = proxy as Record<string, { executeWithOptions(options: object, args: unknown[]): Promise<unknown> }>;
  const given = Object.entries(summaries as Record<string, string | ((...args: unknown[]) => string)>);
  return Object.fromEntries(
    given.map(([step, summary]) => [
      step,
      (...args: unknown[]) => {
        const text = typeof summary === 'string' ? summary : summary(...args);
        return steps[step]!.executeWithOptions(summaryOf(text), args);
      },
    ]),
  ) as Steps;
}

/** A moment at which a workflow goes on by itself, and why then. */
export interface Wake {
  /** Infinity if that moment is not known, or will not come. */
  atMs: number;
  why: string;
}

/** @returns the first of them. */
export function earliest(...wakes: [Wake, ...Wake[]]): Wake {
  return wakes.reduce((first, wake) => (wake.atMs < first.atMs ? wake : first));
}

/**
 * The same moment, with what is waited for until then. Temporal's UI shows the newest timer of a workflow first, and what
 * its details say only on a page of their own: so whoever opens the workflow reads here why it does not go on.
 */
export function whileWaiting(what: string, { atMs, why }: Wake): Wake {
  return { atMs, why: `${what}; ${why}` };
}

/**
 * Waits for a change, but no longer than until a moment.
 *
 * @param leastMs the shortest wait, for a moment that is over.
 * @returns false if the moment came first.
 */
export function changedBefore({ atMs, why }: Wake, changed: () => boolean, leastMs = 1): Promise<boolean> {
  return condition(changed, Math.max(leastMs, atMs - Date.now()), summaryOf(why));
}

/** Waits for so long. */
export function pause(ms: number, why: string): Promise<void> {
  return sleep(ms, summaryOf(why));
}
