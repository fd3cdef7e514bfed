import type { Caller } from './caller.js';
import { WorldLandError } from './errors.js';
import { firstPauseMs, isTransient, longestPauseMs, NoStream, streamedEvents } from './follow.js';
import { isFinal } from './job-states.js';
import { pause } from './pause.js';
import type { Job, JobLog, JobLogLine } from './shapes.js';
import { timeOf } from './time-of.js';

export interface LogOptions {
  /** The last lines only. */
  tail?: number;
  /** What was written at this time or later. */
  since?: Date | string;
  signal?: AbortSignal;
}

export interface FollowLogOptions extends LogOptions {
  /** Called with a sentence if there is no log for now. */
  onNote?: (text: string) => void;
  /** Called with true when there is a connection, and for whatever comes over it; with false when it is lost. */
  onConnection?: (isThere: boolean) => void;
}

const route = 'GET /api/v1/jobs/:id/logs';

export async function readLog(caller: Caller, id: string, { tail, since, signal }: LogOptions): Promise<JobLog> {
  return await caller.call<JobLog>(route, { params: { id }, query: { tail, since: timeOf(since) }, signal });
}

/**
 * Follows the log of a job over all its connections: it resumes after the last line that it gave out.
 *
 * @throws WorldLandError if the broker refuses, or the signal ends it.
 */
export async function* followLog(
  caller: Caller,
  jobs: { get(jobId: string): Promise<Job> },
  jobId: string,
  { tail, since, signal, onNote, onConnection }: FollowLogOptions,
): AsyncGenerator<JobLogLine> {
  const stream = { route, input: { params: { id: jobId }, query: { tail, since: timeOf(since), follow: 'true' } } };
  let lastId: string | undefined;
  for (let failed = 0; ;) {
    try {
      for await (const { id, event, data } of streamedEvents(caller, stream, { lastId, signal, onConnection })) {
        failed = 0;
        if (event === 'ended') return;
        if (event === 'note') onNote?.(parsed<{ text: string }>(data).text);
        if (event !== 'line') continue;
        lastId = id;
        yield { id, ...parsed<Omit<JobLogLine, 'id'>>(data) };
      }
    } catch (error) {
      // A stream that has nothing more to send is not opened again.
      if (error instanceof NoStream && isFinal((await jobs.get(jobId)).status)) return;
      if (error instanceof NoStream) throw new WorldLandError('protocol', 'this broker has no logs to follow');
      if (!isTransient(error)) throw error;
    }
    if (signal?.aborted === true) throw new WorldLandError('aborted', 'the caller ended it');
    await pause(Math.random() * Math.min(longestPauseMs, firstPauseMs * 2 ** failed++), signal);
  }
}

function parsed<T>(data: string): T {
  try {
    return JSON.parse(data) as T;
  } catch {
    throw new WorldLandError('protocol', 'the stream holds a line that cannot be read');
  }
}
