import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import type { Hex } from 'viem';
import { writeAtomically } from '../files.js';
import { keptKeys, type ProviderKeys } from '../simulated-provider/keys.js';

/** A wallet of the demo: worth nothing anywhere else, and the same at each start. */
export interface DemoWallet {
  role: string;
  privateKey: Hex;
  account: PrivateKeyAccount;
}

/** The wallet of a person of the demo, made at the first start. */
export function demoWallet(dataDir: string, role: string): DemoWallet {
  const file = join(dataDir, 'wallets', `${role}.key`);
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeAtomically(file, generatePrivateKey());
  }
  return walletOf(role, readFileSync(file, 'utf8').trim() as Hex);
}

/** The keys of a machine of the demo, its owner's among them. */
export function machineKeys(dataDir: string, providerId: string): ProviderKeys {
  return keptKeys(keysFile(dataDir, providerId));
}

/** The wallet that a machine of the demo belongs to. */
export function ownerWallet(dataDir: string, providerId: string): DemoWallet {
  machineKeys(dataDir, providerId);
  const { wallet } = JSON.parse(readFileSync(keysFile(dataDir, providerId), 'utf8')) as { wallet: Hex };
  return walletOf('owner', wallet);
}

const keysFile = (dataDir: string, providerId: string) => join(dataDir, 'provider-keys', `${providerId}.json`);

const walletOf = (role: string, privateKey: Hex): DemoWallet => ({
  role,
  privateKey,
  account: privateKeyToAccount(privateKey),
});
