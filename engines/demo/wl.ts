import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';

const program = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const walletKey = 'wl-wallet-key';
/** Tokens that one may spend with it. */
const spendLimit = '25';

/**
 * Writes a `wl` into the folder of the demo that talks to its broker with a wallet of its own, and logs it in.
 *
 * @returns what to type from here.
 */
export async function writeDemoWl(dataDir: string, api: string, audience: string | undefined): Promise<string> {
  const folder = resolve(dataDir);
  const [file, config, key] = ['wl', 'wl-config', walletKey].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(config, { recursive: true, mode: 0o700 });
  // What it has deposited is there at the next start.
  if (!existsSync(key)) writeFileSync(key, generatePrivateKey(), { mode: 0o600 });
  const words = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const lines = [
    '#!/bin/sh',
    `WORLDLAND_API=${words(api)} WORLDLAND_CONFIG_DIR=${words(config)} WALLET_PRIVATE_KEY_FILE=${words(key)} \\`,
    `  exec ${words(process.execPath)} ${words(program)} "$@"`,
  ];
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o755 });
  const elsewhere = audience === undefined || audience === new URL(api).origin ? [] : ['--audience', audience];
  await promisify(execFile)(file, ['login', '--wallet', 'env', '--spend-limit', spendLimit, ...elsewhere]);
  await giveSshKey(file, join(folder, 'wl-ssh-key'));
  const typed = relative('.', file);
  return typed.startsWith('.') ? typed : `./${typed}`;
}

/** Its wallet, once it is written. */
export function demoWlAccount(dataDir: string): PrivateKeyAccount {
  return privateKeyToAccount(readFileSync(join(dataDir, walletKey), 'utf8').trim() as Hex);
}

/** A key of its own, so that `up` works on a machine where nobody has made one; without OpenSSH it stays without. */
async function giveSshKey(wl: string, path: string): Promise<void> {
  const run = promisify(execFile);
  try {
    if (!existsSync(path)) await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'demo', '-f', path]);
  } catch {
    return;
  }
  await run(wl, ['config', 'set', 'key', `${path}.pub`]);
}
