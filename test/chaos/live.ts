import type { Finding, Invariant } from './invariant-names.js';

/** What is found wrong while it happens. The first of it ends the run: there is nothing to wait for any more. */
export interface Live {
  report(invariant: Invariant, what: string): void;
  /** Ends the run for want of time; nothing was found for that. */
  giveUp(why: string): void;
  /** Nothing is to go on any more. */
  close(): void;
  /** Aborted once the run is to end. */
  readonly ended: AbortSignal;
  /** Why it ended before its time. */
  endedBecause(): string | undefined;
  findings(): Finding[];
}

/** Of these, every run says whether they held. */
const lookedAtLive: readonly Invariant[] = ['answers', 'told', 'rows', 'pods'];

export function createLive(log: (line: string) => void): Live {
  const found = new Map<Invariant, Set<string>>(lookedAtLive.map((invariant) => [invariant, new Set()]));
  const ended = new AbortController();
  let because: string | undefined;
  const end = (why: string) => {
    if (ended.signal.aborted) return;
    because = why;
    log(`the run ends: ${why}`);
    ended.abort();
  };
  return {
    report(invariant, what) {
      found.set(invariant, (found.get(invariant) ?? new Set()).add(what));
      end(what);
    },
    giveUp: end,
    close: () => ended.abort(),
    ended: ended.signal,
    endedBecause: () => because,
    findings: () =>
      [...found].map(([invariant, violations]) => ({ invariant, violations: [...violations], isLasting: true })),
  };
}
