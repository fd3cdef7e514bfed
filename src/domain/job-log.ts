/** Which part of a job's log is wanted. */
export interface LogQuery {
  jobId: string;
  namespace: string;
  /** The last lines only. */
  tail?: number;
  /** RFC 3339; Kubernetes drops parts of a second. */
  since?: string;
  /** Goes on as long as the container runs. */
  follow?: boolean;
}

/**
 * The log of a job's container, each line with its time before it; or why there is none: its container has not begun
 * (`nothing_yet`), there is no pod (`gone`), or the machine, or the site, does not hand it out (`withheld`).
 */
export type LogAnswer =
  | { kind: 'log'; pieces: AsyncIterable<Uint8Array> }
  | { kind: 'nothing_yet' }
  | { kind: 'gone' }
  | { kind: 'withheld'; why: 'machine' | 'site' };

/** Asks the machine of a job for its log, until the signal. */
export type ReadLog = (query: LogQuery, signal: AbortSignal) => Promise<LogAnswer>;

/** A line of a log. */
export interface LogLine {
  /** Its place: its time and its number among those of the same time. Texts of two places compare as the places do. */
  id: string;
  /** RFC 3339 with nanoseconds, UTC, by the machine's clock. */
  at: string;
  line: string;
  /** It was longer, and its end is left out. */
  cut?: true;
}

/** How much is kept of the log of an ended job, in bytes. */
export const keptLogBytes = 256 * 1024;

/** How much of one line is shown, in bytes. */
export const maxLineBytes = 16 * 1024;

/** What the shortest line costs whoever reads it and sends it on, in bytes of a long one. */
const leastLineCost = 512;

/** The place of a line, as `LogLine.id` has it. */
export const lineIdPattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z_\d{6}$/;

const stamp = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;
/** The longest time in front of a line, and the space after it. */
const stampBytes = 36;
const newline = 10;
const space = 32;

/**
 * Reads the lines of a log from its pieces. Bytes that are no UTF-8 become `�`, and all else is text as it was written:
 * escapes of terminals, too. A line without a time is none of the program's: the machine adds such when it has trouble.
 *
 * @returns the lines that a piece completes; `end` gives the last one, which may lack its newline.
 */
export function createLineReader(): { read(piece: Uint8Array): LogLine[]; end(): LogLine[] } {
  let rest: Buffer = Buffer.alloc(0);
  let isCut = false;
  let last = '';
  let count = 0;

  function take(bytes: Uint8Array): void {
    const room = maxLineBytes + stampBytes - rest.length;
    if (bytes.length > room) isCut = true;
    if (room > 0 && bytes.length > 0) rest = Buffer.concat([rest, bytes.subarray(0, room)]);
  }

  function finish(): LogLine[] {
    const found = lineOf(rest, isCut);
    rest = Buffer.alloc(0);
    isCut = false;
    if (found === undefined) return [];
    count = found.at === last ? count + 1 : 0;
    last = found.at;
    return [{ id: `${found.at}_${String(Math.min(count, 999_999)).padStart(6, '0')}`, ...found }];
  }

  return {
    read(piece) {
      const lines: LogLine[] = [];
      let from = 0;
      for (let at = piece.indexOf(newline); at >= 0; at = piece.indexOf(newline, from)) {
        take(piece.subarray(from, at));
        lines.push(...finish());
        from = at + 1;
      }
      take(piece.subarray(from));
      return lines;
    },
    end: finish,
  };
}

function lineOf(bytes: Buffer, isCut: boolean): Omit<LogLine, 'id'> | undefined {
  const end = bytes.subarray(0, stampBytes).indexOf(space);
  const at = timeOf(bytes.toString('latin1', 0, end < 0 ? Math.min(bytes.length, stampBytes) : end));
  if (at === undefined) return undefined;
  const text = end < 0 ? Buffer.alloc(0) : bytes.subarray(end + 1, end + 1 + maxLineBytes);
  const cut = isCut || (end >= 0 && bytes.length - end - 1 > maxLineBytes);
  // The letter that a cut goes through is left out.
  const line = cut ? text.toString('utf8').replace(/\uFFFD{1,3}$/, '') : text.toString('utf8');
  return { at, line, ...(cut ? { cut: true as const } : {}) };
}

/** What a piece of a log costs whoever reads it: its bytes, and more where its lines are short. */
export function costOf(piece: Uint8Array): number {
  let cost = piece.length;
  for (let at = piece.indexOf(newline); at >= 0; at = piece.indexOf(newline, at + 1)) cost += leastLineCost;
  return cost;
}

/** A time in UTC with nine digits, so that texts compare as times do. Machines write it in their own zone. */
function timeOf(text: string): string | undefined {
  const [, whole, fraction = '', zone] = stamp.exec(text) ?? [];
  const ms = whole === undefined ? NaN : Date.parse(`${whole}${zone!}`);
  if (!(ms >= 0)) return undefined;
  return `${new Date(ms).toISOString().slice(0, 19)}.${fraction.padEnd(9, '0')}Z`;
}

/** The second in which a line was written, for a query that is to find it again. */
export function secondOf(id: string): string {
  return `${id.slice(0, 19)}Z`;
}

/** The last time that is written with a year of four digits. */
const lastMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** The place before all lines of a time and later. */
export function placeBefore(time: Date): string {
  const ms = Math.min(Math.max(time.getTime(), 0), lastMs);
  return `${new Date(ms).toISOString().slice(0, 23)}000000Z`;
}
