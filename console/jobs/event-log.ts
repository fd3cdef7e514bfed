import type { JobEvent } from '../../src/client/shapes.js';

/** The events of one job, in their order, each once. */
export type EventLog = readonly JobEvent[];

/** A log with more events in it: those that it has already change nothing, wherever they come from. */
export function withEvents(log: EventLog, more: readonly JobEvent[]): EventLog {
  const known = new Set(log.map(({ seq }) => seq));
  const fresh = more.filter(({ seq }) => Number.isSafeInteger(seq) && seq > 0 && !known.has(seq) && known.add(seq));
  return fresh.length === 0 ? log : [...log, ...fresh].sort((a, b) => a.seq - b.seq);
}

/** The last event before the first one that is missing: what comes after it has to be read. 0 if all are to be read. */
export function completeUntil(log: EventLog): number {
  let last = 0;
  for (const { seq } of log) {
    if (seq !== last + 1) break;
    last = seq;
  }
  return last;
}

/** Whether the log has everything up to its newest event. */
export function isComplete(log: EventLog): boolean {
  return completeUntil(log) === (log.at(-1)?.seq ?? 0);
}
