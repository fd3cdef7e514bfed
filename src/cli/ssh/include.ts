import { spawnSync } from 'node:child_process';
import { chownSync, existsSync, lstatSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { SshFolder } from '../files/folder.js';
import { makePrivateFolder, reason, writeWhole } from '../files/private-file.js';
import { exitCodes, Failure } from '../failure.js';
import { withLock } from './lock.js';
import { ownSshFiles } from './own-files.js';

const marker = '# worldland: managed by wl, remove with: wl ssh-config --remove';

/** The two lines that make ssh read our file. Unlike in other paths, ssh has no tokens such as `%h` there. */
export function includeLines(folder: SshFolder): readonly [string, string] {
  return [marker, `Include ${folder.isUsual ? 'worldland/config' : `"${ownSshFiles(folder).config}"`}`];
}

/**
 * The file with our two lines on top: further down they would stand in somebody's `Host` section and do nothing. Every
 * other byte stays, and the ends of lines are those of the file.
 */
function withInclude(before: Buffer, lines: readonly string[]): Buffer {
  const end = /^[^\n]*\r\n/.test(before.toString('latin1')) ? '\r\n' : '\n';
  return Buffer.concat([Buffer.from(lines.map((line) => line + end).join('')), before]);
}

/** The file without our two lines, wherever they stand together. */
function withoutInclude(before: Buffer): Buffer {
  // latin1 maps each byte to one character and back.
  const text = before.toString('latin1');
  const ours = new RegExp(
    `^${marker.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\r?\\n[ \\t]*Include [^\\r\\n]*(?:\\r?\\n|$)`,
    'm',
  );
  return Buffer.from(text.replace(ours, ''), 'latin1');
}

function hasInclude(bytes: Buffer): boolean {
  return !withoutInclude(bytes).equals(bytes);
}

/** Where the user's file is, whatever links lead to it; it need not exist. */
function realFile(path: string): string {
  let at = path;
  for (let links = 0; links < 40; links++) {
    let isLink: boolean;
    try {
      isLink = lstatSync(at).isSymbolicLink();
    } catch {
      return at;
    }
    if (!isLink) return at;
    at = resolve(dirname(at), readlinkSync(at));
  }
  throw new Failure(exitCodes.usage, `${path} is a link to itself`);
}

export interface IncludeState {
  /** The user's file. */
  path: string;
  isThere: boolean;
}

export function includeState(folder: SshFolder): IncludeState {
  const path = join(folder.path, 'config');
  const file = realFile(path);
  return { path, isThere: existsSync(file) && hasInclude(readFileSync(file)) };
}

/**
 * Puts the two lines at the top of the user's file, once.
 *
 * @throws Failure if the file may not be written, or if ssh does not accept it, before or after; then it is as before.
 */
export async function addInclude(folder: SshFolder): Promise<void> {
  const lines = includeLines(folder);
  makePrivateFolder(ownSshFiles(folder).folder);
  await withLock(ownSshFiles(folder).lock, () => {
    const path = join(folder.path, 'config');
    const file = realFile(path);
    const existed = existsSync(file);
    const before = existed ? readFileSync(file) : Buffer.alloc(0);
    if (hasInclude(before)) return;
    const broken = existed ? complaint(path) : undefined;
    if (broken !== undefined) {
      throw new Failure(
        exitCodes.usage,
        `ssh does not accept ${path}, so it is left alone: ${broken}`,
        'mend it first',
      );
    }
    const mode = existed ? statSync(file).mode & 0o777 : 0o600;
    if ((mode & 0o200) === 0) throw readOnly(path, 'it is read-only', lines);
    try {
      if (existed) writeWhole(`${path}.before-worldland`, before, mode);
      replace(file, withInclude(before, lines), mode);
    } catch (error) {
      throw readOnly(path, reason(error), lines);
    }
    const fault = complaint(path);
    if (fault === undefined) return;
    if (existed) replace(file, before, mode);
    else rmSync(file, { force: true });
    throw new Failure(exitCodes.bug, `ssh does not accept ${path} with our lines, so it is as before: ${fault}`);
  });
}

/** Takes exactly those two lines out. A file that we made, and that holds nothing else, goes, too. */
export async function removeInclude(folder: SshFolder): Promise<boolean> {
  makePrivateFolder(ownSshFiles(folder).folder);
  return await withLock(ownSshFiles(folder).lock, () => {
    const path = join(folder.path, 'config');
    const file = realFile(path);
    if (!existsSync(file)) return false;
    const before = readFileSync(file);
    if (!hasInclude(before)) return false;
    const after = withoutInclude(before);
    const isOurs = after.length === 0 && file === path && !existsSync(`${path}.before-worldland`);
    try {
      if (isOurs) rmSync(file);
      else replace(file, after, statSync(file).mode & 0o777);
    } catch (error) {
      throw new Failure(
        exitCodes.usage,
        `${path} cannot be changed: ${reason(error)}`,
        `take out: ${marker}, and the next line`,
      );
    }
    return true;
  });
}

/** Keeps the owner, too: root may do this for somebody. */
function replace(file: string, bytes: Buffer, mode: number): void {
  const owner = existsSync(file) ? statSync(file) : undefined;
  writeWhole(file, bytes, mode);
  if (owner === undefined || process.getuid?.() !== 0) return;
  chownSync(file, owner.uid, owner.gid);
}

function readOnly(path: string, why: string, lines: readonly string[]): Failure {
  return new Failure(
    exitCodes.usage,
    `${path} cannot be changed: ${why}`,
    `put these two lines at the top of it yourself, or go on with wl ssh:\n  ${lines.join('\n  ')}`,
  );
}

/** What ssh says about a configuration; undefined if it accepts it. */
export function complaint(path: string): string | undefined {
  const { error, status, stderr } = spawnSync('ssh', ['-G', '-F', path, 'wl-0000'], {
    encoding: 'utf8',
    timeout: 10_000,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (error !== undefined) return undefined;
  return status === 0 ? undefined : (stderr.trim().split('\n')[0] ?? `ssh -G ended with ${status}`);
}
