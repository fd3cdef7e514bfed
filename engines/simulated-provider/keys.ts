import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import type { Hex } from 'viem';
import { writeAtomically } from '../files.js';

/** The keys a provider signs with: its owner's wallet, which a real one keeps elsewhere, and the machine's key. */
export interface ProviderKeys {
  wallet: PrivateKeyAccount;
  nodeKey: PrivateKeyAccount;
}

/** New, unused keys. */
export function newKeys(): ProviderKeys {
  return keysOf({ wallet: generatePrivateKey(), nodeKey: generatePrivateKey() });
}

/**
 * The keys in a file, which is created if missing. A provider id belongs to the first wallet that signed for it, so a
 * restarted machine must use the same keys.
 */
export function keptKeys(file: string): ProviderKeys {
  if (existsSync(file)) return keysOf(JSON.parse(readFileSync(file, 'utf8')) as Record<keyof ProviderKeys, Hex>);
  const secrets = { wallet: generatePrivateKey(), nodeKey: generatePrivateKey() };
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeAtomically(file, `${JSON.stringify(secrets, null, 2)}\n`);
  return keysOf(secrets);
}

function keysOf({ wallet, nodeKey }: Record<keyof ProviderKeys, Hex>): ProviderKeys {
  return { wallet: privateKeyToAccount(wallet), nodeKey: privateKeyToAccount(nodeKey) };
}
