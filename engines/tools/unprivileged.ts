import { chmodSync, lstatSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** The account under which a program runs that refuses to run as root. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
}

/** An account to step down to: `postgres` where the system has one, else `nobody`; undefined when we are not root. */
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

/** Whether an account may pass through every folder above a path: a clone below a home of mode 0700 is out of reach. */
export function isReachable(path: string, account: Account): boolean {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { mode, uid, gid } = statSync(folder);
    const pass = uid === account.uid ? mode & 0o100 : gid === account.gid ? mode & 0o010 : mode & 0o001;
    if (pass === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/**
 * A folder that everybody can reach and only we can write to, the same one each time for the same key. It stands in
 * for a place that another account cannot reach.
 *
 * @throws Error when somebody else has made a folder of that name: what lies in it is not ours to run.
 */
export function reachableFolder(key: string): string {
  const name = `worldland-broker-${createHash('sha256').update(key).digest('hex').slice(0, 16)}`;
  const folder = join(tmpdir(), name);
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const found = lstatSync(folder);
  if (!found.isDirectory() || found.uid !== process.getuid?.())
    throw new Error(`${folder} belongs to somebody else: remove it`);
  chmodSync(folder, 0o711);
  return folder;
}
