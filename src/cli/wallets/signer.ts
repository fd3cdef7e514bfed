import { readFileSync } from 'node:fs';
import type { Signer } from '../../client/wallet.js';
import { exitCodes, Failure, usage } from '../failure.js';
import { reason } from '../files/private-file.js';
import { askHidden } from '../terminal/ask.js';
import { walletKinds } from './kinds.js';

type Env = Record<string, string | undefined>;

/** Who signs: the browser, or a wallet that this process can ask. */
export type WalletKind = 'browser' | { signer: () => Promise<Signer> };

/** A wallet's key is read when it is needed, goes nowhere, and is never an argument of a command. */
export function walletKind(given: string | undefined, env: Env): WalletKind {
  const [kind = '', rest = ''] = (given ?? usual(env)).split(/:(.*)/s);
  switch (kind) {
    case 'browser':
      return 'browser';
    case 'env':
      return { signer: () => localAccount(keyOfEnvironment(env), 'WALLET_PRIVATE_KEY') };
    case 'file':
      return { signer: () => localAccount(readKey(rest), rest) };
    case 'keystore':
      return { signer: () => keystore(rest === '' ? (env['WALLET_KEYSTORE'] ?? '') : rest, env) };
    case 'rpc':
      return { signer: async () => (await import('./rpc.js')).rpcWallet(rest) };
    default:
      // It may be a key: nothing of it is repeated.
      throw usage(`--wallet takes ${walletKinds}`, 'never a key: WALLET_PRIVATE_KEY=… wl login --wallet env');
  }
}

/** What the environment names; else the browser. */
function usual(env: Env): string {
  if ((env['WALLET_PRIVATE_KEY'] ?? '') !== '' || (env['WALLET_PRIVATE_KEY_FILE'] ?? '') !== '') return 'env';
  return (env['WALLET_KEYSTORE'] ?? '') === '' ? 'browser' : 'keystore';
}

function keyOfEnvironment(env: Env): string {
  const key = env['WALLET_PRIVATE_KEY'] ?? '';
  if (key !== '') return key;
  const file = env['WALLET_PRIVATE_KEY_FILE'] ?? '';
  if (file === '') throw usage('--wallet env needs WALLET_PRIVATE_KEY or WALLET_PRIVATE_KEY_FILE in the environment');
  return readKey(file);
}

function readKey(path: string): string {
  if (path === '') throw usage('--wallet file: needs a path', '--wallet file:PATH');
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw usage(`the key file ${path} cannot be read: ${reason(error)}`);
  }
}

async function localAccount(text: string, from: string): Promise<Signer> {
  const key = text.trim().replace(/^(?!0x)/, '0x');
  // The message must not contain the value.
  if (!/^0x[0-9a-fA-F]{64}$/.test(key)) throw usage(`${from} holds no private key: 0x and 64 hex digits`);
  const { privateKeyToAccount } = await import('viem/accounts');
  return privateKeyToAccount(key as `0x${string}`);
}

async function keystore(path: string, env: Env): Promise<Signer> {
  if (path === '') throw usage('--wallet keystore: needs a path', '--wallet keystore:PATH, or WALLET_KEYSTORE');
  const json = readKey(path);
  const [{ keystoreKey }, { privateKeyToAccount }] = await Promise.all([
    import('../../client/node.js'),
    import('viem/accounts'),
  ]);
  try {
    return privateKeyToAccount(await keystoreKey(json, await passwordOf(path, env)));
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(exitCodes.notLoggedIn, error instanceof Error ? error.message : String(error));
  }
}

async function passwordOf(path: string, env: Env): Promise<string> {
  const file = env['WALLET_PASSWORD_FILE'] ?? '';
  if (file !== '') return readKey(file).replace(/\r?\n$/, '');
  if (process.stdin.isTTY !== true) throw usage('the keystore needs its password', 'WALLET_PASSWORD_FILE=PATH');
  return await askHidden(`Password of ${path}: `);
}
