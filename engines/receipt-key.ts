import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatePrivateKey } from 'viem/accounts';
import { writeAtomically } from './files.js';

/** The key with which this stack signs receipts; it is made once, so that a stack that is started again has the same. */
export function keptReceiptKey(dataDir: string): string {
  const file = join(dataDir, 'receipt.key');
  if (!existsSync(file)) writeAtomically(file, `${generatePrivateKey()}\n`);
  return readFileSync(file, 'utf8').trim();
}
