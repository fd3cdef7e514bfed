/** A number in digits, a sign and a point, with more of them than a number holds: nobody's text. */
export interface Digits {
  digits: string;
}

/** A cell: a number is written as it is, and a text so that no program takes it for anything but text. */
export type Cell = string | number | bigint | Digits;

/**
 * What spreadsheets take for the beginning of a formula, also behind spaces and in its full width. Strangers name jobs and
 * GPUs, and a formula can send the rest of the sheet to them.
 */
const formula = /^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]/;

/** Rows by RFC 4180, with their header. A text that could be a formula gets a leading apostrophe. */
export function csvOf(header: readonly string[], rows: readonly (readonly Cell[])[]): string {
  return [header, ...rows].map((cells) => `${csvLine(cells)}\r\n`).join('');
}

/** One row, without its end. */
export function csvLine(cells: readonly Cell[]): string {
  return cells.map(cellOf).join(',');
}

function cellOf(cell: Cell): string {
  if (typeof cell === 'object') return cell.digits;
  if (typeof cell !== 'string') return String(cell);
  const text = formula.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
