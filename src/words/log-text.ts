import { clean } from './clean.js';

/** Colours and moves of the cursor, whole and not only their first character. */
const sequences = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|.)/g;

/** Of a line that was written again and again, as progress is, the last state; without what a terminal would obey. */
export function logText(line: string): string {
  const text = line.replace(/\r+$/, '');
  return text.slice(text.lastIndexOf('\r') + 1).replace(sequences, '');
}

const tabStop = '    ';

/** The same for what shows characters as they are: without invisible ones, and with tabs as spaces. */
export function plainLogText(line: string): string {
  return clean(logText(line).replaceAll('\t', tabStop));
}
