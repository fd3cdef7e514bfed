import type { JobEventKind } from '../wire/job-events.js';
import { printable, sentence, type Printable } from './outside.js';

/** What is written down of a change: its kind, a sentence for people, and figures for programs. */
export interface JobNews {
  kind: JobEventKind;
  text: Printable;
  data: Record<string, string | number | boolean>;
}

/** An event as it was written down. */
export interface JobEvent extends JobNews {
  /** Grows with every event of a wallet. */
  id: number;
  jobId: string;
  /** 1, 2, 3 … within the job. */
  seq: number;
  at: Date;
}

/** Makes an event; a stranger's words in its text or data lose what does not print. */
export function news(
  kind: JobEventKind,
  text: string,
  data: Record<string, string | number | boolean | undefined> = {},
) {
  const known = Object.entries(data).flatMap(([name, value]): [string, string | number | boolean][] => {
    const safe = typeof value === 'string' ? printable(value) : value;
    return safe === undefined ? [] : [[name, safe]];
  });
  return { kind, text: sentence(text), data: Object.fromEntries(known) } satisfies JobNews;
}

/** `2 h`, `90 min`, `45 s`: a time in words, in the largest unit that divides it. */
export function inWords(seconds: number): string {
  if (seconds >= 3_600 && seconds % 3_600 === 0) return `${seconds / 3_600} h`;
  if (seconds >= 60 && seconds % 60 === 0) return `${seconds / 60} min`;
  return `${seconds} s`;
}

/** The job was ordered. */
export function orderedNews(order: { gpuCount: number; gpuType?: string; durationSeconds: number }): JobNews {
  const { gpuCount, gpuType, durationSeconds } = order;
  const gpus = gpuCount === 0 ? 'no GPU' : `${gpuCount} × ${gpuType ?? 'any GPU'}`;
  return news('ordered', `ordered ${gpus} for ${inWords(durationSeconds)}`, {
    gpu_count: gpuCount,
    gpu_type: gpuType,
    duration_s: durationSeconds,
  });
}
