import { clean, cleanJson } from '../../words/clean.js';
import { painter, wantsColour, type Paint } from './style.js';
import { tableLines, type Column } from './table.js';
import { cutEnd, wrap } from './width.js';

export interface ScreenOptions {
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
  stdin: NodeJS.ReadStream;
  env: Record<string, string | undefined>;
  isColourForbidden: boolean;
  isQuiet: boolean;
}

/** Where `wl` writes: results on standard output, everything about how it goes on standard error. */
export interface Screen {
  /** Of standard output; undefined if it is no terminal: then nothing is cut. */
  width: number | undefined;
  paint: Paint;
  /** For standard error. */
  paintNote: Paint;
  /** Whether somebody can answer a question. */
  canAsk: boolean;
  /** Whether a line of standard error may be written again. */
  isLive: boolean;
  isQuiet: boolean;
  print(line: string): void;
  /** Prose on standard output, in lines that fit. */
  paragraph(text: string, indent?: string): void;
  table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): void;
  json(value: unknown): void;
  /** One line on standard error, or more if it does not fit; nothing with `--quiet`. */
  note(text: string): void;
  /** As `note`, also with `--quiet`. */
  warn(text: string): void;
  /** The line that is written again; an empty text takes it away. */
  live(text: string): void;
}

const fallbackColumns = 80;
/** Our own colours: the only escapes that leave this file but for those that write a line again. */
const ownColours = /(\u001b\[(?:0|1|2|31|32|33|36)m)/;
const clearLine = '\r\u001b[2K';

export function createScreen({ stdout, stderr, stdin, env, isColourForbidden, isQuiet }: ScreenOptions): Screen {
  const isDumb = env['TERM'] === 'dumb';
  const width = stdout.isTTY === true ? columnsOf(stdout) : undefined;
  const noteWidth = stderr.isTTY === true ? columnsOf(stderr) : undefined;
  const [isColoured, isNoteColoured] = [stdout, stderr].map((stream) => wantsColour(stream, env, isColourForbidden));
  const [paint, paintNote] = [painter(isColoured!), painter(isNoteColoured!)];
  const isLive = stderr.isTTY === true && !isDumb && !isQuiet;
  let liveText = '';
  const print = (line: string) => void stdout.write(`${guarded(line, isColoured!)}\n`);
  const warn = (text: string) => {
    const again = liveText;
    if (again !== '') stderr.write(clearLine);
    for (const line of fitting(text, noteWidth, '  ')) stderr.write(`${guarded(line, isNoteColoured!)}\n`);
    if (again !== '') stderr.write(again);
  };
  return {
    ...{ width, paint, paintNote, isLive, isQuiet, print, warn },
    canAsk: stdin.isTTY === true && stderr.isTTY === true,
    paragraph: (text, indent = '') => fitting(text, width, indent).forEach(print),
    table: (columns, rows) => tableLines(columns, rows, { width, paint }).forEach(print),
    json: (value) => void stdout.write(`${cleanJson(value)}\n`),
    note: (text) => {
      if (!isQuiet) warn(text);
    },
    live(text) {
      if (!isLive) return;
      liveText = cutEnd(clean(text), (noteWidth ?? fallbackColumns) - 1);
      stderr.write(clearLine + liveText);
    },
  };
}

/** The last guard: whatever a command forgot to clean is cleaned here, and only our own colours pass. */
function guarded(text: string, isColoured: boolean): string {
  const line = (each: string) =>
    isColoured
      ? each
          .split(ownColours)
          .map((part, at) => (at % 2 === 1 ? part : clean(part)))
          .join('')
      : clean(each);
  return text.split('\n').map(line).join('\n');
}

function columnsOf(stream: NodeJS.WriteStream): number {
  // A pseudo-terminal may say 0.
  return stream.columns > 0 ? stream.columns : fallbackColumns;
}

/** Lines may be painted already: their escapes take no columns, so a painted line is only broken if its words are too long. */
function fitting(text: string, width: number | undefined, indent: string): string[] {
  const lines = text.split('\n');
  const bare = (line: string) => line.replace(/\u001b\[\d+m/g, '');
  return lines.flatMap((line) =>
    width === undefined || bare(line).length <= width ? [line] : wrap(line, width, indent),
  );
}
