import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Hex } from 'viem';
import { generatePrivateKey, privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { writeAtomically } from '../files.js';

/** Who is who on the chain of a stack. The admin deploys the vault, and hands out what the token's faucet mints. */
export const chainRoles = ['admin', 'operator', 'guardian', 'treasury'] as const;
export type ChainRole = (typeof chainRoles)[number];

/** The file with a role's key, which nobody else may read. */
export const roleKeyFile = (dataDir: string, role: ChainRole): string => join(dataDir, 'chain', `${role}.key`);

/** A role's account. Its key is made once for a stack, so that nobody elsewhere knows it. */
export function roleAccount(dataDir: string, role: ChainRole): PrivateKeyAccount {
  const file = roleKeyFile(dataDir, role);
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeAtomically(file, `${generatePrivateKey()}\n`);
  }
  return privateKeyToAccount(readFileSync(file, 'utf8').trim() as Hex);
}
