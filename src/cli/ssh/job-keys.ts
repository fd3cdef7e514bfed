import { join } from 'node:path';
import { readPrivate, writePrivate } from '../files/private-file.js';

/** Which private key opens which job, for those that were ordered from this computer. */
export type JobKeys = Readonly<Record<string, string>>;

const fileOf = (folder: string) => join(folder, 'job-keys.json');

export function readJobKeys(folder: string): JobKeys {
  const text = readPrivate(fileOf(folder));
  try {
    const value: unknown = text === undefined ? {} : JSON.parse(text);
    if (typeof value !== 'object' || value === null) return {};
    return Object.fromEntries(
      Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    );
  } catch {
    // It only saves an `-i`.
    return {};
  }
}

/** Keeps the key of a job, and forgets those of jobs that are gone. */
export function keepJobKey(folder: string, jobId: string, identity: string, alive: readonly string[]): void {
  const kept = Object.entries(readJobKeys(folder)).filter(([id]) => alive.includes(id));
  writePrivate(fileOf(folder), `${JSON.stringify({ ...Object.fromEntries(kept), [jobId]: identity }, null, 2)}\n`);
}
