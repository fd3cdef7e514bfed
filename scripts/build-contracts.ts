/**
 * Compiles the contracts and writes what is committed of them: `npm run contracts:build`. Bytecode and ABI go to JSON
 * beside the sources, the vault's ABI to TypeScript as well, whose types come from the constant itself.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../engines/paths.js';
import { contractFiles } from './contracts.js';

for (const { file, text } of await contractFiles()) {
  writeFileSync(join(packageRoot, file), text);
  console.log(file);
}
