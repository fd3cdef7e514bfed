import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import type { WorldLand as Client } from '../client/index.js';
import { usage } from './failure.js';
import { reason } from './files/private-file.js';

/** The names that ssh itself tries. */
const usualNames = ['id_ed25519', 'id_ecdsa', 'id_ed25519_sk', 'id_ecdsa_sk', 'id_rsa'];

export interface OrderKeys {
  ssh_public_keys?: string[];
  ssh_key_ids?: string[];
  /** The private key that belongs to it, for ssh; undefined if ssh finds it by itself, or it is elsewhere. */
  identity?: string;
}

/** Files of public keys that ssh makes by default, those that are there. */
export function usualKeyFiles(): string[] {
  return usualNames.map((name) => join(homedir(), '.ssh', `${name}.pub`)).filter((path) => existsSync(path));
}

/**
 * The keys of an order: files, or names of keys that the broker keeps; without any the one of `wl config`, else the first
 * that ssh itself would try.
 *
 * @throws Failure if there is none, or if one is a private key.
 */
export async function orderKeys(
  client: Client,
  asked: readonly string[],
  setting: string | undefined,
): Promise<OrderKeys> {
  const wanted = asked.length > 0 ? asked : setting === undefined ? usualKeyFiles().slice(0, 1) : [setting];
  if (wanted.length === 0) {
    throw usage('you have no SSH key to log in with', 'make one: ssh-keygen -t ed25519   (or name one: --key FILE)');
  }
  const files = wanted.filter(isFile);
  const names = wanted.filter((name) => !isFile(name));
  const lines = files.map((path) => readPublicKey(path));
  const ids = names.length === 0 ? [] : await storedIds(client, names);
  const identity = identityOf(files[0]);
  return {
    ...(lines.length === 0 ? {} : { ssh_public_keys: lines }),
    ...(ids.length === 0 ? {} : { ssh_key_ids: ids }),
    ...(identity === undefined ? {} : { identity }),
  };
}

/** The private key beside a public one. */
export function identityOf(key: string | undefined): string | undefined {
  if (key === undefined || !isFile(key)) return undefined;
  const path = expanded(key).replace(/\.pub$/, '');
  return existsSync(path) ? path : undefined;
}

/** One public key from a file; of a private key's file, the public one beside it. */
export function readPublicKey(given: string): string {
  const path = expanded(given);
  const beside = `${path}.pub`;
  const text = read(path);
  if (!text.includes('PRIVATE KEY')) return text.trim().split(/\r?\n/)[0]!;
  if (existsSync(beside)) return read(beside).trim().split(/\r?\n/)[0]!;
  throw usage(
    `${given} is a private key, which stays on this computer`,
    `give the public one: ssh-keygen -y -f '${given}' > '${given}.pub'`,
  );
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw usage(`the key ${path} cannot be read: ${reason(error)}`);
  }
}

function isFile(key: string): boolean {
  return /[\\/]/.test(key) || key.startsWith('~') || key.endsWith('.pub') || existsSync(key);
}

function expanded(path: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(path);
}

async function storedIds(client: Client, names: readonly string[]): Promise<string[]> {
  const keys = await client.sshKeys.list();
  return names.map((name) => {
    const found = keys.find((key) => key.name === name || key.key_id === name);
    if (found !== undefined) return found.key_id;
    const known = keys.map((key) => key.name).join(', ');
    throw usage(
      `there is no key "${name}", and no such file`,
      known === '' ? 'wl keys add FILE keeps one' : `the broker keeps: ${known}`,
    );
  });
}
