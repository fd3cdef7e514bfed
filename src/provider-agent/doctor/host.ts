import { readdirSync, readFileSync, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { printable } from '../../domain/outside.js';
import { runProgram, type Finished } from '../program.js';
import { thisMachine, type Installation } from '../prerequisites.js';

/** The machine to examine; tests pass a folder with made-up files and programs. */
export interface Host extends Installation {
  /** Runs a program to its end; undefined when there is none, or when it takes too long. */
  run(program: string, args: readonly string[]): Promise<Finished | undefined>;
  /**
   * Whether somebody answers at a socket in the file system; a program that has ended leaves its socket behind.
   *
   * @throws Unseen
   */
  answers(socket: string): Promise<boolean>;
  isRoot: boolean;
}

/** Long enough for a driver that wakes up, short enough for a person who waits. */
const programTimeoutMs = 15_000;

export const thisHost: Host = {
  ...thisMachine,
  run: async (program, args) => {
    const finished = await runProgram(program, args, { timeoutMs: programTimeoutMs }).catch(() => undefined);
    return finished?.code === undefined ? undefined : finished;
  },
  answers: answersHere,
  isRoot: process.getuid?.() === 0,
};

const answerTimeoutMs = 2_000;

async function answersHere(path: string): Promise<boolean> {
  return await new Promise((resolve, reject) => {
    const socket = connect({ path, timeout: answerTimeoutMs });
    const end = (isAnswered: boolean) => {
      socket.destroy();
      resolve(isAnswered);
    };
    socket.once('connect', () => end(true));
    socket.once('timeout', () => end(false));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EACCES') reject(new Unseen(`${path} cannot be tried (EACCES)`));
      else end(false);
    });
  });
}

/** A file or folder that this process may not read: whether something is wrong there stays unknown. */
export class Unseen extends Error {
  override readonly name = 'Unseen';
}

/** More than any file that is read here has. The tables of connections are the longest. */
const maxTextLength = 4_000_000;

/**
 * A file's text; undefined when there is no such file.
 *
 * @throws Unseen
 */
export function textOf({ root }: Host, path: string): string | undefined {
  return seen(path, () => readFileSync(join(root, path), 'utf8').slice(0, maxTextLength));
}

/**
 * The names in a folder; none when there is no such folder.
 *
 * @throws Unseen
 */
export function namesIn({ root }: Host, path: string): string[] {
  return seen(path, () => readdirSync(join(root, path))) ?? [];
}

/** @throws Unseen */
export function isThere({ root }: Host, path: string): boolean {
  return seen(path, () => statSync(join(root, path))) !== undefined;
}

function seen<T>(path: string, look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOENT', 'ENOTDIR', 'EISDIR'].includes(code)) return undefined;
    throw new Unseen(`${path} cannot be read (${code})`, { cause: error });
  }
}

/** The space of a file system. */
export interface Disk {
  /** The folder that was asked about. */
  path: string;
  totalGb: number;
  availableGb: number;
  /** The number of the file system. */
  device: number;
  /** Shares of what is free, from 0 to 1. */
  freeShare: number;
  freeInodesShare: number;
}

/** The file system that holds a folder, or will hold it. */
export async function diskOf({ root }: Pick<Host, 'root'>, path: string): Promise<Disk> {
  for (let folder = path; ; folder = dirname(folder)) {
    try {
      const { bsize, blocks, bavail, files, ffree } = await statfs(join(root, folder));
      const gb = (count: number) => Math.floor((count * bsize) / 2 ** 30);
      return {
        path,
        device: statSync(join(root, folder)).dev,
        totalGb: gb(blocks),
        availableGb: gb(bavail),
        freeShare: blocks === 0 ? 1 : bavail / blocks,
        // Some file systems have as many as they need, and count none.
        freeInodesShare: files === 0 ? 1 : ffree / files,
      };
    } catch (error) {
      if (folder === '/') throw error;
    }
  }
}

/** A word of a command to type: a path may have anything in it. */
export function quoted(word: string): string {
  const text = shown(word, 1_000);
  return /^[\w./:=@+-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** A stranger's text for a terminal: names of GPUs, programs and files are whatever somebody wrote. */
export function shown(text: string, maxLength = 120): string {
  return printable(text, maxLength) ?? '?';
}
