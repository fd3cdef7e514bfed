import type { Activities } from '../../activities/index.js';

/** Code that runs once at a step of a job: before or after its `nth` call (1 by default). */
export interface Trap {
  step: string;
  when: 'before' | 'after';
  nth?: number;
  act(): Promise<void>;
}

/** Traps at the steps of jobs, by job. */
interface Traps {
  /** Wraps the activities of `createFleetWorld`, so that they spring the traps. */
  change(activities: Activities): Partial<Activities>;
  set(jobId: string, trap: Trap): void;
  /** Whether it has not been sprung yet. */
  has(jobId: string): boolean;
}

export function createTraps(): Traps {
  const set = new Map<string, { trap: Trap; passed: number }>();

  async function spring(step: string, when: Trap['when'], [first]: readonly unknown[]): Promise<void> {
    const jobId = (typeof first === 'object' && first !== null && 'jobId' in first ? first.jobId : first) as string;
    const known = set.get(jobId);
    if (known === undefined) return;
    const { trap } = known;
    if (trap.step !== step || trap.when !== when) return;
    known.passed++;
    if (known.passed !== (trap.nth ?? 1)) return;
    set.delete(jobId);
    await trap.act();
  }

  return {
    change: (activities) =>
      Object.fromEntries(
        Object.entries(activities).map(([step, activity]) => [
          step,
          async (...args: never[]) => {
            await spring(step, 'before', args);
            const result = await (activity as (...args: never[]) => Promise<unknown>)(...args);
            await spring(step, 'after', args);
            return result;
          },
        ]),
      ),
    set: (jobId, trap) => void set.set(jobId, { trap, passed: 0 }),
    has: (jobId) => set.has(jobId),
  };
}
