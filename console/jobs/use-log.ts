import { useEffect, useRef, useState } from 'preact/hooks';
import { isFinal, type WorldLandError } from '../../src/client/index.js';
import type { Job, JobLogLine } from '../../src/client/shapes.js';
import { broker, endsLogin, errorOf, isLost, login } from '../live/index.js';
import { emptyLog, logBounds, withLines, type HeldLog } from './log-lines.js';

/** `paused`: nobody sees the page, and nothing is read. */
export type LogPhase = 'opening' | 'live' | 'reconnecting' | 'paused' | 'over' | 'failed';

export interface ReadLog {
  held: HeldLog;
  phase: LogPhase;
  /** Why there is no log, in the words of the broker. */
  note: string | undefined;
  error: WorldLandError | undefined;
  /** Earlier lines than these exist. */
  isTruncated: boolean;
  retry(): void;
}

const firstLines = 1_000;
/** Lines are drawn together: a program may write thousands in a second. */
const drawEveryMs = 150;

/** The log of a job as it is written; of one that is over, what was kept. It is read while somebody sees the page. */
export function useLog(job: Job): ReadLog {
  const { job_id: id } = job;
  const [held, setHeld] = useState<HeldLog>(emptyLog);
  const [state, setState] = useState<Omit<ReadLog, 'held' | 'retry'>>(opening);
  const [attempt, setAttempt] = useState(0);
  const isSeen = usePageSeen();
  const latest = useRef({ held, isOver: false });
  latest.current = { held, isOver: isFinal(job.status) };
  useEffect(() => {
    const change = (next: Partial<typeof state>) => setState((now) => ({ ...now, ...next }));
    if (!isSeen) {
      change({ phase: 'paused' });
      return undefined;
    }
    const stop = new AbortController();
    const { signal } = stop;
    const lines = gathered((found) => setHeld((now) => withLines(now, found)));
    change({ phase: 'opening', error: undefined });
    const read = latest.current.isOver ? readKept : follow;
    read({ id, after: latest.current.held.last?.at, signal, add: lines.add, change })
      .then(() => {
        if (!signal.aborted) change({ phase: 'over' });
      })
      .catch((thrown: unknown) => {
        if (signal.aborted) return;
        const error = errorOf(thrown);
        if (endsLogin(error)) isLost.value = login.peek() !== undefined;
        change({ phase: 'failed', error });
      })
      .finally(lines.flush);
    return () => {
      lines.flush();
      stop.abort();
    };
  }, [id, isSeen, attempt, login.value?.sessionId]);
  return { ...state, held, retry: () => setAttempt((count) => count + 1) };
}

const opening = { phase: 'opening', note: undefined, error: undefined, isTruncated: false } as const;

interface Reading {
  id: string;
  /** The time of the last line that is here already. */
  after: string | undefined;
  signal: AbortSignal;
  add(lines: readonly JobLogLine[]): void;
  change(next: Partial<Pick<ReadLog, 'phase' | 'note' | 'isTruncated'>>): void;
}

async function readKept({ id, signal, add, change }: Reading): Promise<void> {
  const { lines, note, truncated } = await broker().jobs.log(id, { tail: logBounds.lines, signal });
  add(lines);
  change({ note, isTruncated: truncated });
}

async function follow({ id, after, signal, add, change }: Reading): Promise<void> {
  const part = after === undefined ? { tail: firstLines } : { since: after };
  const onNote = (note: string) => change({ note });
  let isThere: boolean | undefined;
  const onConnection = (is: boolean) => {
    if (is === isThere || signal.aborted) return;
    isThere = is;
    change({ phase: is ? 'live' : 'reconnecting' });
  };
  for await (const line of broker().jobs.logs(id, { ...part, signal, onNote, onConnection })) add([line]);
}

/** Gathers lines for one drawing. Of more than a page holds, the beginning is never drawn. */
function gathered(draw: (lines: readonly JobLogLine[]) => void) {
  let lines: JobLogLine[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    if (lines.length === 0) return;
    const found = lines;
    lines = [];
    draw(found);
  };
  return {
    flush,
    add(found: readonly JobLogLine[]) {
      lines.push(...found);
      if (lines.length > 2 * logBounds.lines) lines = lines.slice(-logBounds.lines);
      timer ??= setTimeout(flush, drawEveryMs);
    },
  };
}

function usePageSeen(): boolean {
  const [isSeen, setSeen] = useState(!document.hidden);
  useEffect(() => {
    const look = () => setSeen(!document.hidden);
    look();
    document.addEventListener('visibilitychange', look);
    return () => document.removeEventListener('visibilitychange', look);
  }, []);
  return isSeen;
}
