import type { JobLogLine } from '../../src/client/shapes.js';
import { plainLogText } from '../../src/words/log-text.js';

/** A line as it is shown. */
export interface ShownLine {
  id: string;
  at: string;
  text: string;
  isCut: boolean;
}

/** Lines that are drawn together: a block that is full never changes again. */
export interface LogBlock {
  key: string;
  lines: readonly ShownLine[];
}

/** What a page holds of a log: its end. */
export interface HeldLog {
  blocks: readonly LogBlock[];
  lineCount: number;
  /** How many lines were here and are not any more. */
  dropped: number;
  last: ShownLine | undefined;
}

/** How much a page holds; a program that writes without end fills no memory. */
export interface LogBounds {
  lines: number;
  chars: number;
  blockLines: number;
  blockChars: number;
}

export const logBounds: LogBounds = { lines: 5_000, chars: 2_000_000, blockLines: 200, blockChars: 100_000 };

export const emptyLog: HeldLog = { blocks: [], lineCount: 0, dropped: 0, last: undefined };

/** A log with further lines; those that it has already are left out, as a stream that is opened again repeats some. */
export function withLines(held: HeldLog, lines: readonly JobLogLine[], bounds = logBounds): HeldLog {
  let { last } = held;
  const blocks = [...held.blocks];
  let added = 0;
  for (const line of lines) {
    if (last !== undefined && line.id <= last.id) continue;
    last = shownLine(line);
    append(blocks, last, bounds);
    added += 1;
  }
  if (added === 0) return held;
  const left = dropped(blocks, held.lineCount + added, bounds);
  return { blocks, lineCount: held.lineCount + added - left, dropped: held.dropped + left, last };
}

/** Blocks are made anew while they grow: whoever draws them sees by that which have changed. */
function append(blocks: LogBlock[], line: ShownLine, { blockLines, blockChars }: LogBounds): void {
  const open = blocks.at(-1);
  const isFull = open === undefined || open.lines.length >= blockLines || charsOf(open) >= blockChars;
  if (isFull) blocks.push({ key: line.id, lines: [line] });
  else blocks[blocks.length - 1] = { key: open.key, lines: [...open.lines, line] };
}

/** Takes whole blocks from the beginning until the rest keeps to the bounds. @returns how many lines that were. */
function dropped(blocks: LogBlock[], lineCount: number, bounds: LogBounds): number {
  let lines = lineCount;
  let chars = blocks.reduce((sum, block) => sum + charsOf(block), 0);
  while (blocks.length > 1 && (lines > bounds.lines || chars > bounds.chars)) {
    const first = blocks.shift()!;
    lines -= first.lines.length;
    chars -= charsOf(first);
  }
  return lineCount - lines;
}

const charsOf = ({ lines }: LogBlock) => lines.reduce((sum, { text }) => sum + text.length, 0);

function shownLine({ id, at, line, cut }: JobLogLine): ShownLine {
  return { id, at, text: plainLogText(line), isCut: cut === true };
}

/** A text in pieces, of which each second one is what was looked for, in whatever case. */
export function piecesOf(text: string, wanted: string): string[] {
  if (wanted === '') return [text];
  return text.split(new RegExp(`(${wanted.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')})`, 'giu'));
}

/** Lines that have the words. */
export function linesWith(lines: readonly ShownLine[], wanted: string): readonly ShownLine[] {
  return wanted === '' ? lines : lines.filter(({ text }) => piecesOf(text, wanted).length > 1);
}

/** A log as a file. */
export function logFile(lines: readonly JobLogLine[], withTimes: boolean): string {
  return lines
    .map(shownLine)
    .map(({ at, text }) => `${withTimes ? `${at} ` : ''}${text}\n`)
    .join('');
}
