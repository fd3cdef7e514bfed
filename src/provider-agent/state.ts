import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { isHex, type Hex } from 'viem';

/** What an agent keeps between its runs: a folder that nobody else may enter. */
export interface State {
  folder: string;
  /** The key that signs this machine's messages; made when it is asked for the first time. */
  nodeKey(): PrivateKeyAccount;
  delegationFile: string;
  /** The keys of brokers that are trusted. */
  brokerKeysFile: string;
  /** A file for root, with the line that lets this machine join. */
  joinCommandFile: string;
  keepJoinCommand(line: string): void;
  dropJoinCommand(): void;
  /** When the provider left the fleet, if it did. */
  leftAt(): Date | undefined;
  markLeft(): void;
  dropLeft(): void;
}

/**
 * Opens the folder, which is made when it is not there.
 *
 * @throws Error when it is open to others, or when the key in it is.
 */
export function openState(folder: string): State {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if ((statSync(folder).mode & 0o077) !== 0)
    throw new Error(`${folder} is open to others: chmod 700, or take another folder`);
  const keyFile = join(folder, 'node-key');
  const leftFile = join(folder, 'left');
  const joinCommandFile = join(folder, 'join-command');
  return {
    folder,
    delegationFile: join(folder, 'delegation.json'),
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

/** Writes a file so that a reader sees the old text or the new one; only the owner may read it. */
export function writeWhole(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, text, { mode: 0o600, flush: true });
  renameSync(temporary, file);
}

/** As `writeWhole`, unless the file is there meanwhile: of two that make a key at once, both have the same. */
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
      `${file} can be read by others than its owner: it may be known to them. Remove it for a new key, or chmod 600`,
    );
  const text = readFileSync(file, 'utf8').trim();
  if (!isHex(text) || text.length !== 66) throw new Error(`${file} holds no key: remove it for a new one`);
  return text;
}
