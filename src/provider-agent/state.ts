import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { isHex, type Hex } from 'viem';

/** The files an agent keeps between runs, in a folder that only its user may enter. */
export interface State {
  folder: string;
  /** The key that signs this machine's messages, created on first use. */
  nodeKey(): PrivateKeyAccount;
  delegationFile: string;
  keepDelegation(delegation: object): void;
  /** The keys of brokers that are trusted. */
  brokerKeysFile: string;
  /** A file with the join command, for root to run. */
  joinCommandFile: string;
  keepJoinCommand(line: string): void;
  dropJoinCommand(): void;
  /** When the provider left the fleet, if it did. */
  leftAt(): Date | undefined;
  markLeft(): void;
  dropLeft(): void;
}

/**
 * Opens the folder, and creates it if it does not exist.
 *
 * @throws Error when other users may enter the folder or read the key.
 */
export function openState(folder: string): State {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if ((statSync(folder).mode & 0o077) !== 0)
    throw new Error(`${folder} is open to other users: run chmod 700 on it, or use another folder`);
  const keyFile = join(folder, 'node-key');
  const leftFile = join(folder, 'left');
  const joinCommandFile = join(folder, 'join-command');
  return {
    folder,
    delegationFile: join(folder, 'delegation.json'),
    keepDelegation: (delegation) =>
      writeWhole(join(folder, 'delegation.json'), `${JSON.stringify(delegation, null, 2)}\n`),
    brokerKeysFile: join(folder, 'broker-keys.json'),
    joinCommandFile,
    nodeKey() {
      if (!existsSync(keyFile)) writeOnce(keyFile, `${generatePrivateKey()}\n`);
      return privateKeyToAccount(readKey(keyFile));
    },
    keepJoinCommand: (line) => writeWhole(joinCommandFile, `${line}\n`),
    dropJoinCommand: () => rmSync(joinCommandFile, { force: true }),
    leftAt: () => (existsSync(leftFile) ? statSync(leftFile).mtime : undefined),
    markLeft: () => writeWhole(leftFile, ''),
    dropLeft: () => rmSync(leftFile, { force: true }),
  };
}

/** Replaces a file atomically: a reader sees the old text or the new one. Only its owner may read it by default. */
export function writeWhole(file: string, text: string, mode = 0o600): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode, flush: true });
  // Whatever the umask of whoever started this is.
  chmodSync(temporary, mode);
  renameSync(temporary, file);
}

/** Like `writeWhole`, but keeps an existing file: two processes that create a key at once end up with the same one. */
function writeOnce(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode: 0o600, flush: true });
  try {
    linkSync(temporary, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(temporary);
  }
}

function readKey(file: string): Hex {
  if ((statSync(file).mode & 0o077) !== 0)
    throw new Error(
      `${file} is readable by other users, who may know the key. Remove it to get a new key, or run chmod 600 on it`,
    );
  const text = readFileSync(file, 'utf8').trim();
  if (!isHex(text) || text.length !== 66) throw new Error(`${file} does not contain a key: remove it to get a new one`);
  return text;
}
