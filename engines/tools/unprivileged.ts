import { chmodSync, lstatSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** The account for a program that refuses to run as root. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
}

/** The account to drop to: `postgres` if the system has one, else `nobody`; undefined when not running as root. */
export function unprivilegedAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , uid, gid]) => ({ name, uid: Number(uid), gid: Number(gid) }));
  const account =
    accounts.find(({ name }) => name === 'postgres') ?? accounts.find(({ name, uid }) => name === 'nobody' && uid > 0);
  if (account === undefined)
    throw new Error('Postgres does not run as root, and there is neither a user `postgres` nor `nobody` to run it as');
  return account;
}

/** Whether an account may enter every folder above a path: a clone below a home folder of mode 0700 is unreachable. */
export function isReachable(path: string, account: Account): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { mode, uid, gid } = statSync(folder);
    const pass = uid === account.uid ? mode & 0o100 : gid === account.gid ? mode & 0o010 : mode & 0o001;
    if (pass === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** Where `reachableFolder` has its folder for a key. */
export function reachablePath(key: string): string {
  return join(tmpdir(), `worldland-broker-${createHash('sha256').update(key).digest('hex').slice(0, 16)}`);
}

/**
 * A folder that everyone can reach and only this user can write to, always the same one for a key. It replaces a place
 * that another account cannot reach.
 *
 * @throws Error if somebody else has created a folder with that name: its contents must not be run.
 */
export function reachableFolder(key: string): string {
  const folder = reachablePath(key);
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.())
    throw new Error(`${folder} belongs to somebody else: remove it`);
  chmodSync(folder, 0o711);
  return folder;
}
