import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'pg';
import type { SessionPrincipal } from '../auth/customers/principal.js';
import { findJob, type JobRow } from '../db/jobs.js';
import { endedCredentials } from '../db/live-credentials.js';
import { isFinal } from '../domain/job.js';
import { costOf, createLineReader, type LogLine, type ReadLog } from '../domain/job-log.js';
import type { Logger } from '../observability/logger.js';
import { askMachine, logOfJob, noteOf, sinceOf } from './job-log.js';
import { maxLogLines } from './schemas/job-log.js';

/** Bounds of one stream. */
export interface LogStreamLimits {
  /** How often its job and its credential are looked at, and its client is shown that the connection lives. */
  checkEveryMs: number;
  /** Until the machine is asked again after it had no more. */
  pauseMs: number;
  /** The same for a machine that hands out no log. */
  withheldPauseMs: number;
  lifeMs: number;
  /** How long a client may take for what it was given. */
  takeWithinMs: number;
  /** A program that writes faster is read no faster; of short lines it is fewer bytes. */
  bytesPerS: number;
}

export const logStreamLimits: LogStreamLimits = {
  checkEveryMs: 10_000,
  pauseMs: 1_000,
  withheldPauseMs: 10_000,
  lifeMs: 3_600_000,
  takeWithinMs: 30_000,
  bytesPerS: 256 * 1024,
};

/** What is written at once, in characters, but for the last line of it. */
const maxWriteChars = 64 * 1024;

interface Deps {
  pool: Pool;
  logger: Logger;
  readLog?: ReadLog | undefined;
}

interface Opened {
  response: ServerResponse;
  principal: SessionPrincipal;
  job: JobRow;
  /** It begins after this place, */
  after: string | undefined;
  /** or with the last lines before now. */
  tail: number;
  stopping: AbortSignal;
}

/**
 * Sends a job's log to one client as it is written, until the job has ended. The place of the last line that was sent is
 * all its state: a machine, an API server or this process that goes away delays lines and loses none that the machine
 * still has.
 *
 * Never fails: what goes wrong ends the stream, and the client opens the next one.
 */
export async function streamLog(deps: Deps, opened: Opened, limits = logStreamLimits): Promise<void> {
  const { response, principal, stopping } = opened;
  const closed = new AbortController();
  const signal = AbortSignal.any([closed.signal, stopping]);
  response.once('close', () => closed.abort());
  const endsAtMs = Math.min(Date.now() + limits.lifeMs, principal.expiresAt.getTime());
  // Aborted to have the job looked at again.
  const turn = { stop: new AbortController() };
  let isChecking = false;
  const checks = setInterval(() => {
    if (!response.writableNeedDrain) response.write(':\n\n');
    if (Date.now() >= endsAtMs) closed.abort();
    if (isChecking) return;
    isChecking = true;
    void isOver(deps.pool, opened)
      .then((over) => {
        if (over === 'credential') closed.abort();
        else if (over === 'job') turn.stop.abort();
      })
      .catch((error: unknown) => deps.logger.debug({ err: error }, 'cannot look at the job of a log'))
      .finally(() => (isChecking = false));
  }, limits.checkEveryMs);
  const stream: Stream = { ...opened, signal, limits, place: opened.after, isFirst: true, told: '' };
  try {
    response.write('retry: 2000\n\n');
    while (!signal.aborted) {
      turn.stop = new AbortController();
      const isDone = await sendTurn(deps, stream, AbortSignal.any([signal, turn.stop.signal])).catch(
        (error: unknown) => {
          deps.logger.debug({ err: error, jobId: opened.job.jobId }, 'cannot read the log of a job; trying again');
          return false;
        },
      );
      if (isDone) break;
      await sleep(stream.told === '' ? limits.pauseMs : limits.withheldPauseMs, undefined, { signal }).catch(
        () => undefined,
      );
    }
  } finally {
    clearInterval(checks);
    response.end();
  }
}

interface Stream extends Opened {
  signal: AbortSignal;
  limits: LogStreamLimits;
  /** Of the last line that was sent. */
  place: string | undefined;
  isFirst: boolean;
  /** The note that was sent last. */
  told: string;
}

async function isOver(pool: Pool, { principal, job }: Opened): Promise<'credential' | 'job' | undefined> {
  if ((await endedCredentials(pool, [principal])).size > 0) return 'credential';
  const now = await findJob(pool, principal.wallet, job.jobId);
  return now === undefined || isFinal(now.status) ? 'job' : undefined;
}

/** Sends what there is from the place on. @returns whether nothing more will come. */
async function sendTurn(deps: Deps, stream: Stream, signal: AbortSignal): Promise<boolean> {
  const job = await findJob(deps.pool, stream.principal.wallet, stream.job.jobId);
  if (job === undefined) return true;
  if (isFinal(job.status)) {
    const tail = stream.place === undefined ? stream.tail : maxLogLines;
    const { lines } = await logOfJob(deps, job, { after: stream.place, tail });
    await sendLines(stream, lines);
    const end = {
      status: job.status,
      ...(job.program?.exitCode === undefined ? {} : { exit_code: job.program.exitCode }),
    };
    await send(stream, `event: ended\ndata: ${JSON.stringify(end)}\n\n`);
    return true;
  }
  // Also after a place: a client that was away for days gets the last of what it missed.
  const tail = stream.isFirst && stream.place === undefined ? stream.tail : maxLogLines;
  const answer = await askMachine(deps, job, { follow: true, tail, ...sinceOf(stream.place) }, signal);
  if (answer.kind === 'withheld') {
    const note = noteOf(answer);
    if (stream.told !== note) await send(stream, `event: note\ndata: ${JSON.stringify({ text: note })}\n\n`);
    stream.told = note;
    return false;
  }
  stream.told = '';
  if (answer.kind !== 'log') return false;
  stream.isFirst = false;
  await sendPieces(stream, answer.pieces, signal);
  return false;
}

async function sendPieces(stream: Stream, pieces: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
  const { bytesPerS } = stream.limits;
  const reader = createLineReader();
  let second = Date.now();
  let inSecond = 0;
  for await (const piece of pieces) {
    await sendLines(stream, reader.read(piece));
    inSecond += costOf(piece);
    const waitMs = second + 1_000 * (inSecond / bytesPerS) - Date.now();
    if (waitMs > 1_000) await sleep(waitMs, undefined, { signal });
    else if (waitMs < 0) [second, inSecond] = [Date.now(), 0];
  }
  // A last line without its newline may go on: it comes with the next reading, or with what is kept.
}

async function sendLines(stream: Stream, lines: readonly LogLine[]): Promise<void> {
  let frames = '';
  for (const { id, ...line } of lines) {
    if (stream.place !== undefined && id <= stream.place) continue;
    stream.place = id;
    frames += `id: ${id}\nevent: line\ndata: ${JSON.stringify(line)}\n\n`;
    if (frames.length < maxWriteChars) continue;
    await send(stream, frames);
    frames = '';
  }
  if (frames !== '') await send(stream, frames);
}

/** JSON has no line breaks. A client that does not take what it is given in time is let go. */
async function send({ response, signal, limits }: Stream, frames: string): Promise<void> {
  signal.throwIfAborted();
  if (response.write(frames)) return;
  // Its close aborts the signal.
  const late = setTimeout(() => response.destroy(), limits.takeWithinMs);
  try {
    await once(response, 'drain', { signal });
  } finally {
    clearTimeout(late);
  }
}
