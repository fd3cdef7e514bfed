import type { Job, JobEvent } from '../../src/client/shapes.js';
import { isFinal } from '../../src/client/index.js';
import type { EventLog } from './event-log.js';

/** The four steps between an order and a login. */
export const startParts = ['machine', 'image', 'container', 'ssh'] as const;
export type StartPart = (typeof startParts)[number];

export interface StartStep {
  part: StartPart;
  /** `skipped`: the job ended before it. */
  state: 'done' | 'active' | 'waiting' | 'failed' | 'skipped';
  /** When it began and was done, in Unix milliseconds; absent where the machine did not say. */
  sinceMs?: number;
  doneMs?: number;
}

export interface StartView {
  steps: StartStep[];
  orderedMs: number;
  /** When SSH answered. */
  readyMs?: number;
  /** How often the start went on to another machine. */
  moves: number;
}

/** How many parts are done once an event has happened; `provider_away` and the like change nothing. */
const doneAfter: Readonly<Record<string, number>> = {
  ordered: 0,
  placed: 1,
  pod_created: 1,
  image_pulling: 1,
  image_pulled: 2,
  container_started: 3,
  ssh_ready: 4,
};

/**
 * Where a start is, by its events and by what the job says of itself: machines may leave steps out, and an event may
 * still be on its way.
 */
export function startView(job: Job, events: EventLog): StartView {
  const orderedMs = timeOf(events.find(({ kind }) => kind === 'ordered')?.at ?? job.created_at);
  const run: Run = { done: 0, boundaries: [orderedMs], moves: 0 };
  for (const event of events) advance(run, event);
  const said = job.started_at !== undefined ? startParts.length : (doneAfter[job.phase] ?? 0);
  // The job knows that it is further than its events here say, but not since when.
  if (said > run.done) run.done = said;
  if (job.started_at !== undefined) run.boundaries[startParts.length] ??= timeOf(job.started_at);
  const readyMs = run.done === startParts.length ? run.boundaries[startParts.length] : undefined;
  return {
    steps: startParts.map((part, at) => stepOf(part, at, run, job)),
    orderedMs,
    moves: run.moves,
    ...(readyMs === undefined ? {} : { readyMs }),
  };
}

interface Run {
  /** How many parts are done. */
  done: number;
  /** When the part with this number began: the moment at which the one before it was done. */
  boundaries: (number | undefined)[];
  moves: number;
}

function advance(run: Run, { kind, at }: JobEvent): void {
  const done = Object.hasOwn(doneAfter, kind) ? doneAfter[kind]! : undefined;
  if (done === undefined || kind === 'ordered') return;
  if (kind === 'placed' && run.done >= 1) {
    // Another machine begins anew.
    run.moves += 1;
    run.boundaries.length = 1;
    run.done = 0;
  }
  if (done <= run.done) return;
  run.done = done;
  run.boundaries[done] = timeOf(at);
}

function stepOf(part: StartPart, at: number, { done, boundaries }: Run, { status }: Job): StartStep {
  const since = boundaries[at];
  const until = boundaries[at + 1];
  const times = {
    ...(since === undefined || Number.isNaN(since) ? {} : { sinceMs: since }),
    ...(until === undefined || Number.isNaN(until) ? {} : { doneMs: until }),
  };
  if (at < done) return { part, state: 'done', ...times };
  const isOver = isFinal(status) || status === 'ending';
  if (at > done) return { part, state: isOver ? 'skipped' : 'waiting' };
  if (!isOver) return { part, state: 'active', ...times };
  return { part, state: status === 'failed' || status === 'provider_lost' ? 'failed' : 'skipped', ...times };
}

function timeOf(at: string): number {
  return Date.parse(at);
}

/** Milliseconds that a step took, or has taken so far. */
export function tookMs({ sinceMs, doneMs, state }: StartStep, nowMs: number): number | undefined {
  if (sinceMs === undefined) return undefined;
  const end = doneMs ?? (state === 'active' ? nowMs : undefined);
  return end === undefined ? undefined : Math.max(0, end - sinceMs);
}

/** The image without its registry, as it is told from others: `pytorch/pytorch:2.9.0`. */
export function shortImage(image: string): string {
  return image.replace(/^docker\.io\/(?:library\/)?/, '').replace(/@sha256:([0-9a-f]{8})[0-9a-f]+$/, '@$1…');
}
