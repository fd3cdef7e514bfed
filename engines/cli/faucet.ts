import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { getAddress, isAddress, parseUnits } from 'viem';
import { roleAccount } from '../chain/keys.js';
import { fundWallet, tokenDecimals, type LocalVault } from '../chain/wallet.js';
import type { Endpoints } from '../engine.js';
import { argumentsOf } from './arguments.js';

const usage = `Usage: npm run faucet -- 0x… [options]

Gives a wallet test tokens on the chain of a local stack, and coins for gas. Both are worth nothing elsewhere.

  --tokens N   how many tokens (default 100)
  --data DIR   the stack whose endpoints.json has the chain (default .data/demo-chain)
  --help       show this text
`;

try {
  await main();
} catch (error) {
  console.error(`✗ ${(error as Error).message}`);
  process.exit(1);
}

async function main(): Promise<void> {
  const { values, positionals } = argumentsOf(usage, {
    allowPositionals: true,
    options: {
      tokens: { type: 'string', default: '100' },
      data: { type: 'string', default: '.data/demo-chain' },
    },
  });
  const [to, ...more] = positionals;
  if (to === undefined || more.length > 0 || !isAddress(to, { strict: false }))
    throw new Error('name one wallet: 0x and 40 hex digits');
  if (!/^\d{1,12}(\.\d{1,6})?$/.test(values.tokens) || Number(values.tokens) === 0)
    throw new Error(
      `--tokens ${values.tokens} is not a number of tokens above 0, with ${tokenDecimals} decimals at most`,
    );
  const units = parseUnits(values.tokens, tokenDecimals);
  await fundWallet(vaultOf(values.data), roleAccount(values.data, 'admin'), getAddress(to), units);
  console.log(`${getAddress(to)} has ${values.tokens} more test tokens, and coins for gas`);
}

function vaultOf(dataDir: string): LocalVault {
  const { chain, chain_id, vault, token } = endpointsOf(dataDir);
  if (chain === undefined || chain_id === undefined || vault === undefined || token === undefined)
    throw new Error(`the stack in ${dataDir} has no vault: start it with --chain`);
  return { chain, chain_id, vault, token };
}

function endpointsOf(dataDir: string): Partial<Endpoints> {
  try {
    return JSON.parse(readFileSync(join(dataDir, 'endpoints.json'), 'utf8')) as Endpoints;
  } catch {
    throw new Error(`no stack runs in ${dataDir}: name its folder by --data, or start it (npm run demo -- --chain)`);
  }
}
