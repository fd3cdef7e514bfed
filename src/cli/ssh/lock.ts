import { closeSync, openSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { exitCodes, Failure } from '../failure.js';

/** Nobody needs it for longer: whoever holds it writes two small files. */
const abandonedAfterMs = 30_000;
const waitMs = 10_000;

/** Runs something while no other `wl` does. A lock whose owner was killed is taken over. */
export async function withLock<T>(path: string, run: () => T | Promise<T>): Promise<T> {
  for (const deadline = Date.now() + waitMs; !take(path); await sleep(25 + Math.random() * 50)) {
    if (isAbandoned(path)) rmSync(path, { force: true });
    else if (Date.now() > deadline) {
      throw new Failure(exitCodes.bug, `another wl holds ${path}`, `if none is running: rm '${path}'`);
    }
  }
  try {
    return await run();
  } finally {
    rmSync(path, { force: true });
  }
}

function take(path: string): boolean {
  try {
    const file = openSync(path, 'wx', 0o600);
    writeSync(file, String(process.pid));
    closeSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function isAbandoned(path: string): boolean {
  try {
    if (Date.now() - statSync(path).mtimeMs > abandonedAfterMs) return true;
    const owner = Number(readFileSync(path, 'utf8'));
    // Between its creation and its first letter, it is nobody's yet.
    return owner > 0 && !isAlive(owner);
  } catch {
    return false;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
