import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, realpath, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Store, StoredSession } from '../stores.js';

const onlyOwner = 0o600;
const others = 0o077;
const lockPollMs = 25;
/** A program that holds the lock for longer was killed. */
const lockStaleMs = 10_000;

/**
 * Keeps logins in a file that only its owner can read: session keys and tokens.
 *
 * @throws Error from every function if others can read the file, with the command that mends it.
 */
export function fileStore(path: string): Store {
  const change = async (apply: (sessions: Map<string, StoredSession>) => void) => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await locked(`${path}.lock`, async () => {
      const sessions = await read(path);
      apply(sessions);
      await write(path, `${JSON.stringify(Object.fromEntries(sessions), undefined, 2)}\n`);
    });
  };
  return {
    keepsKeys: true,
    load: async (broker) => (await read(path)).get(broker),
    save: (broker, session) => change((sessions) => sessions.set(broker, session)),
    remove: (broker) => change((sessions) => sessions.delete(broker)),
  };
}

async function read(path: string): Promise<Map<string, StoredSession>> {
  try {
    const { mode, uid } = await stat(path);
    // Windows has no such bits.
    if (process.platform !== 'win32') {
      if ((mode & others) !== 0) throw new Error(`${path} can be read by others: run  chmod 600 ${path}`);
      if (uid !== process.getuid?.() && process.getuid?.() !== 0)
        throw new Error(`${path} belongs to another user: remove it, and log in again`);
    }
    return new Map(Object.entries(JSON.parse(await readFile(path, 'utf8')) as Record<string, StoredSession>));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new Map();
    if (error instanceof SyntaxError) throw new Error(`${path} is not readable JSON: remove it, and log in again`);
    throw error;
  }
}

/** All of it or nothing, whenever the process ends; a link stays one. */
async function write(path: string, text: string): Promise<void> {
  const target = await realpath(path).catch(() => path);
  const temporary = `${target}.${randomBytes(6).toString('hex')}`;
  try {
    await writeFile(temporary, text, { mode: onlyOwner, flag: 'wx' });
    await chmod(temporary, onlyOwner);
    await rename(temporary, target);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** One program at a time changes the file, so that none takes away what another has just written. */
async function locked(lock: string, change: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await (await open(lock, 'wx', onlyOwner)).close();
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const since = await stat(lock).catch(() => undefined);
      if (since !== undefined && Date.now() - since.mtimeMs > lockStaleMs) await rm(lock, { force: true });
      else await sleep(lockPollMs);
    }
  }
  try {
    await change();
  } finally {
    await unlink(lock).catch(() => undefined);
  }
}
