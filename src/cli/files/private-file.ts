import { randomBytes } from 'node:crypto';
import { chmodSync, closeSync, fsyncSync, lstatSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs';
import { rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { exitCodes, Failure } from '../failure.js';

const isPosix = process.platform !== 'win32';

/**
 * Reads a file that only its owner may read.
 *
 * @returns undefined if there is none.
 * @throws Failure if others may read it, with the `chmod` to type: what it holds may be in other hands.
 */
export function readPrivate(path: string): string | undefined {
  let mode: number;
  try {
    mode = statSync(path).mode;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Failure(exitCodes.usage, `${path} cannot be read: ${reason(error)}`);
  }
  if (isPosix && (mode & 0o077) !== 0) {
    throw new Failure(exitCodes.usage, `others may read ${path}, which is yours alone`, `chmod 600 '${path}'`);
  }
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new Failure(exitCodes.usage, `${path} cannot be read: ${reason(error)}`);
  }
}

/** Replaces a file as a whole, or not at all; only its owner may read it. Its folder is made, and closed to others. */
export function writePrivate(path: string, text: string): void {
  try {
    makePrivateFolder(dirname(path));
    writeWhole(path, Buffer.from(text), 0o600);
  } catch (error) {
    throw new Failure(exitCodes.bug, `${path} cannot be written: ${reason(error)}`);
  }
}

/** A folder for its owner alone. Folders above it are made as usual, and one that exists is closed to others. */
export function makePrivateFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (isPosix && (lstatSync(path).mode & 0o077) !== 0) chmodSync(path, 0o700);
}

/** Writes beside the file, flushes, and renames: a crash leaves the old file or the new one. */
export function writeWhole(path: string, bytes: Uint8Array, mode: number): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.new`;
  const file = openSync(temporary, 'wx', mode);
  try {
    try {
      for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    // The process's mask may have taken bits away.
    chmodSync(temporary, mode);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

export function reason(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    EACCES: 'you may not (EACCES)',
    EPERM: 'you may not (EPERM)',
    EROFS: 'its disk is read-only (EROFS)',
    ENOSPC: 'its disk is full (ENOSPC)',
    EISDIR: 'it is a folder (EISDIR)',
    ENOTDIR: 'a part of its path is no folder (ENOTDIR)',
  };
  return known[code ?? ''] ?? code ?? (error instanceof Error ? error.message : String(error));
}
