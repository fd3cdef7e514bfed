import { csvLine, type Cell } from '../domain/csv.js';
import { clean } from '../words/clean.js';
import type { Screen } from './terminal/screen.js';

/** Rows as CSV (RFC 4180), with the API's own names; spreadsheets must not take a stranger's text for a formula. */
export function printCsv(screen: Pick<Screen, 'print'>, rows: readonly Record<string, unknown>[]): void {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  if (names.length === 0) return;
  screen.print(csvLine(names.map(cellOf)));
  for (const row of rows) screen.print(csvLine(names.map((name) => cellOf(row[name]))));
}

function cellOf(value: unknown): Cell {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number') return value;
  return clean(typeof value === 'string' ? value : JSON.stringify(value));
}
