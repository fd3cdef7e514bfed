import { Context } from '@temporalio/activity';
import { writeJobLog } from '../src/db/job-logs.js';
import type { JobOrder } from '../src/domain/job.js';
import { keptLogBytes } from '../src/domain/job-log.js';
import { readPodLog } from '../src/kubernetes/job-log.js';
import type { ActivityDeps } from './deps.js';
import { namespaceOfJob } from './job-namespace.js';

/** Enough for what is kept, if lines are of a usual length. */
const keptLines = 10_000;
/** What a machine may send at most, and how long it may take: a program that is to end runs on meanwhile, unpaid. */
const maxReadBytes = 32 * 1024 * 1024;
const readWithinMs = 3_000;
const newline = 10;

/** What a job's program has written. */
export function createJobLogActivities({ pool, kubernetes }: Pick<ActivityDeps, 'pool' | 'kubernetes'>) {
  return {
    /** Keeps the last of a job's log, as long as there is a pod to read it from. What cannot be had is left out. */
    async saveJobLog(order: JobOrder): Promise<void> {
      const { jobId } = order;
      const namespace = await namespaceOfJob({ pool, kubernetes }, order);
      const signal = AbortSignal.any([Context.current().cancellationSignal, AbortSignal.timeout(readWithinMs)]);
      const answer = await readPodLog(kubernetes, { jobId, namespace, tail: keptLines }, signal);
      if (answer.kind !== 'log') return;
      const log = await lastOf(answer.pieces);
      if (log.length > 0) await writeJobLog(pool, jobId, log);
    },
  };
}

/** The end of a log in whole lines. A machine that goes on and on, or breaks off, is left with what came. */
export async function lastOf(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  let last = Buffer.alloc(0);
  let read = 0;
  let isCut = false;
  try {
    for await (const piece of pieces) {
      read += piece.length;
      const all = Buffer.concat([last, piece]);
      isCut ||= all.length > keptLogBytes;
      last = Buffer.from(all.subarray(-keptLogBytes));
      if (read > maxReadBytes) break;
    }
  } catch {
    // What came is kept.
  }
  if (!isCut) return last;
  const first = last.indexOf(newline);
  return first < 0 ? last : last.subarray(first + 1);
}
