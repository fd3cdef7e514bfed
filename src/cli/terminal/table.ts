import { clean } from '../../words/clean.js';
import type { Paint, Style } from './style.js';
import { cutEnd, cutMiddle, padTo, widthOf } from './width.js';

export interface Column<Row> {
  /** With the unit, if it has one. */
  title: string;
  of: (row: Row) => string;
  align?: 'left' | 'right';
  /** What a narrow terminal loses first: the lowest number. A column without one always stays. */
  keep?: number;
  /** Free text, which may be cut in its middle. */
  isText?: boolean;
  style?: (row: Row) => Style | undefined;
}

const gap = '  ';
/** A text that is cut further than this says nothing. */
const minTextWidth = 6;

/**
 * A table as lines. Within a width, no line is longer: the least important columns go first, then the widest texts are
 * cut. Without a width (piped), all of it is there.
 */
export function tableLines<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width, paint }: { width: number | undefined; paint: Paint },
): string[] {
  const measured = columns.map((column) => {
    const cells = rows.map((row) => clean(column.of(row)));
    return { column, cells, width: Math.max(widthOf(column.title), ...cells.map(widthOf)) };
  });
  const shown = width === undefined ? measured : fitted(measured, width);
  const line = (of: (each: (typeof shown)[number]) => [text: string, style: Style | undefined]) => {
    const parts = shown.map((each) => {
      const [text, style] = of(each);
      return { style, text: padTo(cutMiddle(text, each.width), each.width, each.column.align ?? 'left') };
    });
    // Nothing is painted that is not shown, and no line ends in spaces.
    const last = parts.at(-1);
    if (last !== undefined) last.text = last.text.trimEnd();
    return bounded(parts, width, paint);
  };
  return [
    line(({ column }) => [column.title, 'dim']),
    ...rows.map((row, at) => line(({ column, cells }) => [cells[at]!, column.style?.(row)])),
  ];
}

interface Measured<Row> {
  column: Column<Row>;
  cells: string[];
  width: number;
}

function fitted<Row>(measured: readonly Measured<Row>[], width: number): Measured<Row>[] {
  let shown = measured.map((each) => ({ ...each }));
  const total = () => shown.reduce((sum, each) => sum + each.width, 0) + gap.length * Math.max(0, shown.length - 1);
  while (total() > width) {
    const dropped = shown
      .filter(({ column }) => column.keep !== undefined)
      .sort((a, b) => a.column.keep! - b.column.keep!)[0];
    if (dropped === undefined) break;
    shown = shown.filter((each) => each !== dropped);
  }
  while (total() > width) {
    const widest = shown
      .filter(({ column, width: own }) => column.isText === true && own > minTextWidth)
      .sort((a, b) => b.width - a.width)[0];
    if (widest === undefined) break;
    widest.width -= 1;
  }
  return shown;
}

/** The last guard: whatever did not fit is cut off at the edge. */
function bounded(parts: { text: string; style: Style | undefined }[], width: number | undefined, paint: Paint): string {
  let room = width ?? Infinity;
  let line = '';
  for (const [at, { text, style }] of parts.entries()) {
    const before = at === 0 ? '' : gap;
    const cut = cutEnd(text, room - before.length);
    if (cut === '' && text !== '') break;
    line += before + (cut === '' ? '' : paint(style, cut));
    room -= before.length + widthOf(cut);
  }
  return line.trimEnd();
}
