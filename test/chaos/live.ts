import type { Finding, Invariant } from './invariant-names.js';

/** Violations that are found during the run. The first one ends the run: there is nothing left to wait for. */
export interface Live {
  report(invariant: Invariant, what: string): void;
  /** Ends the run for want of time; this is not a violation. */
  giveUp(why: string): void;
  /** Stops everything that still runs. */
  close(): void;
  /** Aborted once the run has to end. */
  readonly ended: AbortSignal;
  /** Why it ended early. */
  endedBecause(): string | undefined;
  findings(): Finding[];
}

/** Every run reports whether these held. */
const checkedLive: readonly Invariant[] = ['answers', 'told', 'rows', 'pods'];

export function createLive(log: (line: string) => void): Live {
  const found = new Map<Invariant, Set<string>>(checkedLive.map((invariant) => [invariant, new Set()]));
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
