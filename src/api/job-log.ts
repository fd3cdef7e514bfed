import type { Pool } from 'pg';
import { findJobLog } from '../db/job-logs.js';
import type { JobRow } from '../db/jobs.js';
import { findJobNamespace } from '../db/tenants.js';
import { isFinal } from '../domain/job.js';
import {
  costOf,
  createLineReader,
  secondOf,
  type LogAnswer,
  type LogLine,
  type LogQuery,
  type ReadLog,
} from '../domain/job-log.js';

/** What one request reads of a machine, in bytes of long lines, and how long. */
const maxReadCost = 16 * 1024 * 1024;
const readWithinMs = 10_000;
/** What one reply holds of it, in characters. */
const maxReplyChars = 1024 * 1024;

const withheld = {
  machine: 'the machine does not hand out its logs: log in with SSH instead',
  site: 'this site does not hand out the logs of running jobs: log in with SSH instead',
} as const;

/** Which part of a log is asked for. */
interface WantedLog {
  /** After this place. */
  after?: string | undefined;
  /** The last lines of that. */
  tail: number;
}

interface FoundLog {
  source: 'machine' | 'kept' | 'none';
  lines: LogLine[];
  truncated: boolean;
  note?: string;
}

interface Deps {
  pool: Pool;
  /** Absent where the API may not ask the cluster. */
  readLog?: ReadLog | undefined;
}

/**
 * The log of a job: from its machine while there is one, and what was kept of it later.
 *
 * @throws BrokerError `dependency_unavailable`
 */
export async function logOfJob(deps: Deps, job: JobRow, { after, tail }: WantedLog): Promise<FoundLog> {
  if (!isFinal(job.status)) {
    const stop = AbortSignal.timeout(readWithinMs);
    // A tail always: without one a machine begins with the first line of all.
    const answer = await askMachine(deps, job, { tail, ...sinceOf(after) }, stop);
    if (answer.kind === 'log') return { source: 'machine', ...(await lastLines(answer.pieces, { after, tail })) };
    if (answer.kind === 'withheld') return { ...nothing, note: withheld[answer.why] };
    if (answer.kind === 'nothing_yet' || job.status !== 'ending') {
      return { ...nothing, note: 'nothing runs yet that could write a log' };
    }
  }
  const kept = await findJobLog(deps.pool, job.jobId);
  if (kept === undefined) return { ...nothing, note: whyNotKept(job) };
  return { source: 'kept', ...(await lastLines([kept], { after, tail })) };
}

const nothing = { source: 'none', lines: [], truncated: false } as const satisfies FoundLog;

function whyNotKept(job: JobRow): string {
  if (job.program === undefined) return 'only of a job with a main program is the log kept after its end';
  return 'no log of this job is kept: its machine handed none out, or it ended more than a week ago';
}

/** What a machine says about its log right now; `withheld` where this process may not ask. */
export async function askMachine(
  { pool, readLog }: Deps,
  { jobId }: JobRow,
  query: Omit<LogQuery, 'jobId' | 'namespace'>,
  signal: AbortSignal,
): Promise<LogAnswer> {
  if (readLog === undefined) return { kind: 'withheld', why: 'site' };
  const place = await findJobNamespace(pool, jobId);
  if (place?.isClaimed !== true) return { kind: 'gone' };
  return await readLog({ jobId, namespace: place.namespace, ...query }, signal);
}

/** Whole seconds, because Kubernetes knows no others: the reader leaves out what is too early. */
export function sinceOf(after: string | undefined): { since?: string } {
  return after === undefined ? {} : { since: secondOf(after) };
}

/** What a reader is told of a log that is not handed out. */
export function noteOf(answer: Extract<LogAnswer, { kind: 'withheld' }>): string {
  return withheld[answer.why];
}

/** The last lines of a log within all bounds. A machine that goes on, or breaks off, is left with what came. */
export async function lastLines(
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { after, tail }: WantedLog,
): Promise<Pick<FoundLog, 'lines' | 'truncated'>> {
  const reader = createLineReader();
  const lines: LogLine[] = [];
  let chars = 0;
  let cost = 0;
  let truncated = false;
  const keep = (found: readonly LogLine[]) => {
    for (const line of found) {
      if (after !== undefined && line.id <= after) continue;
      lines.push(line);
      chars += line.line.length;
      while (chars > maxReplyChars || lines.length > tail) {
        truncated ||= chars > maxReplyChars;
        chars -= lines.shift()!.line.length;
      }
    }
  };
  try {
    for await (const piece of pieces) {
      // Such a machine does not keep to the lines it was asked for.
      if (cost > maxReadCost) {
        truncated = true;
        break;
      }
      keep(reader.read(piece));
      cost += costOf(piece);
    }
  } catch {
    // What came is what there is.
  }
  keep(reader.end());
  return { lines, truncated };
}
