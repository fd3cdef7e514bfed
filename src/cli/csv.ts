import type { Screen } from './terminal/screen.js';
import { clean } from './terminal/clean.js';

/** Rows as CSV (RFC 4180), with the API's own names; spreadsheets must not take a stranger's text for a formula. */
export function printCsv(screen: Pick<Screen, 'print'>, rows: readonly Record<string, unknown>[]): void {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  if (names.length === 0) return;
  screen.print(names.join(','));
  for (const row of rows) screen.print(names.map((name) => field(row[name])).join(','));
}

function field(value: unknown): string {
  if (value === undefined || value === null) return '';
  const text = clean(typeof value === 'string' ? value : JSON.stringify(value));
  const safe = /^[=+@\t\r-]/.test(text) && !/^-?\d/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
