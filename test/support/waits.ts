import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { runFolderVariable } from './run-folder.js';

/** In the folder of the run: one JSON text per line. The reporter reads them. */
const fileName = 'waits.jsonl';
/** Shorter waits are not recorded. */
const worthNotingMs = 500;

/** Records how long a test waited, for what and where. */
export function noteWait(wait: { tookMs: number; budgetMs: number; name: string; asked: Error }): void {
  const folder = process.env[runFolderVariable];
  if (folder === undefined || wait.tookMs < worthNotingMs) return;
  const { tookMs, budgetMs, name, asked } = wait;
  const line = { tookMs, budgetMs, name: name.replace(/\s+/g, ' ').slice(0, 80), place: placeOf(asked) };
  appendFileSync(join(folder, fileName), `${JSON.stringify(line)}\n`);
}

/** The innermost line of a test in the stack, or else of a shared file. */
function placeOf({ stack = '' }: Error): string {
  const places = [...stack.matchAll(/(test\/\S+?\.ts:\d+)/g)].map(([, place]) => place!);
  return places.find((place) => place.includes('.test.ts')) ?? places.find((place) => !/until\.ts/.test(place)) ?? '?';
}
