import { linkSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname } from 'node:path';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from './log.js';
import { isSameProcess, processStart } from './process-identity.js';

/** A holder touches its lock this often, so that others can tell a living one whose pid they cannot see. */
const touchEveryMs = 5_000;
/** A holder on another machine or in another container counts as gone after this much silence. */
const silentAfterMs = 60_000;

interface Holder {
  pid: number;
  start: string;
  host: string;
}

/** Somebody else holds the lock. */
export class LockHeld extends Error {
  override readonly name = 'LockHeld';
  constructor(
    path: string,
    readonly pid: number,
  ) {
    super(`${path} is held by process ${pid}`);
  }
}

/**
 * Takes a lock that is a file with its holder's pid in it; answers the function that gives it back. A lock whose
 * holder is gone is taken over.
 *
 * @throws LockHeld
 */
export function takeLock(path: string): () => void {
  mkdirSync(dirname(path), { recursive: true });
  const mine = `${path}.${randomUUID()}`;
  const holder: Holder = { pid: process.pid, start: processStart(process.pid) ?? '', host: hostname() };
  writeFileSync(mine, JSON.stringify(holder));
  try {
    // A hard link to a complete file: nobody ever reads a lock that is half written.
    if (!link(mine, path)) {
      const left = readHolder(path);
      if (left !== undefined && !isGone(path, left)) throw new LockHeld(path, left.pid);
      removeStale(path);
      if (!link(mine, path)) throw new LockHeld(path, readHolder(path)?.pid ?? 0);
    }
  } finally {
    rmSync(mine, { force: true });
  }
  const touching = setInterval(() => touch(path), touchEveryMs).unref();
  return () => {
    clearInterval(touching);
    rmSync(path, { force: true });
  };
}

/** Runs `work` while holding the lock; says so when it has to wait for another process, and for how long it did. */
export async function withLock<T>(path: string, what: string, log: Log, work: () => Promise<T>): Promise<T> {
  let release: (() => void) | undefined;
  let told = false;
  while (release === undefined) {
    try {
      release = takeLock(path);
    } catch (error) {
      if (!(error instanceof LockHeld)) throw error;
      if (!told) log(`waiting for process ${error.pid}, which is busy with ${what}`);
      told = true;
      await sleep(300);
    }
  }
  try {
    return await work();
  } finally {
    release();
  }
}

/**
 * Removes a stale lock. Two processes may find the same one stale: without the second lock the slower of them would
 * remove the lock that the faster has just taken.
 */
function removeStale(path: string): void {
  const breaking = `${path}.breaking`;
  try {
    writeFileSync(breaking, '', { flag: 'wx' });
  } catch {
    // Held for microseconds only, so an old one is of a process that died just there.
    if (ageMs(breaking) > 10_000) rmSync(breaking, { force: true });
    return;
  }
  try {
    const left = readHolder(path);
    if (left === undefined || isGone(path, left)) rmSync(path, { force: true });
  } finally {
    rmSync(breaking, { force: true });
  }
}

function isGone(path: string, holder: Holder): boolean {
  if (holder.host === hostname()) return !isSameProcess(holder.pid, holder.start);
  return ageMs(path) > silentAfterMs;
}

function link(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readHolder(path: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Holder;
  } catch {
    return undefined;
  }
}

function ageMs(path: string): number {
  try {
    return Date.now() - statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

function touch(path: string): void {
  try {
    utimesSync(path, new Date(), new Date());
  } catch {
    // Somebody removed the folder: there is nothing left to hold.
  }
}
