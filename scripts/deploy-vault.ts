import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import {
  createPublicClient,
  createWalletClient,
  defineChain,
  erc20Abi,
  http,
  isAddress,
  isHex,
  type Address,
} from 'viem';
import { privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';
import { packageRoot } from '../engines/paths.js';
import { rentalVaultAbi } from '../src/chain/rental-vault-abi.js';
import { delayFault } from '../src/domain/vault-delays.js';

/** What a vault is deployed with. */
export interface VaultPlan {
  rpcUrl: string;
  /** Who pays the gas. He has no rights in the vault. */
  deployer: PrivateKeyAccount;
  token: Address;
  admin: Address;
  operator: Address;
  guardian: Address;
  treasury: Address;
  batchDelayS: bigint;
  exitDelayS: bigint;
}

/** A plan that nobody should deploy. Its message says what to change. */
export class BadPlan extends Error {
  override readonly name = 'BadPlan';
}

export const usage = `Usage: npm run vault:deploy -- --rpc URL --key-file FILE --token 0x… --admin 0x… --operator 0x… --guardian 0x… --treasury 0x…
  --batch-delay SECONDS   from the proposal of a settlement to its execution; 43200 (12 hours) unless given
  --exit-delay SECONDS    from the request of an exit to the exit; 604800 (7 days) unless given
  FILE has the key of the wallet that pays the gas; it has no rights in the vault.`;

/** @throws BadPlan with the way it is used. */
export function planOf(args: readonly string[]): VaultPlan {
  const { values } = read(args);
  const key = values['key-file'] === undefined ? '' : keyIn(values['key-file']);
  const privateKey = key.startsWith('0x') ? key : `0x${key}`;
  if (!isHex(privateKey) || privateKey.length !== 66)
    throw new BadPlan(`--key-file: name a file with a key\n\n${usage}`);
  const address = (name: 'token' | 'admin' | 'operator' | 'guardian' | 'treasury') => {
    const text = values[name];
    if (text === undefined || !isAddress(text))
      throw new BadPlan(`--${name}: give an address, 0x and 40 hex digits\n\n${usage}`);
    return text;
  };
  const seconds = (name: 'batch-delay' | 'exit-delay') => {
    if (!/^[1-9]\d{0,9}$/.test(values[name])) throw new BadPlan(`--${name}: give a number of seconds\n\n${usage}`);
    return BigInt(values[name]);
  };
  if (values.rpc === undefined || !URL.canParse(values.rpc))
    throw new BadPlan(`--rpc: give the URL of a node\n\n${usage}`);
  return {
    ...{ rpcUrl: values.rpc, deployer: privateKeyToAccount(privateKey), token: address('token') },
    ...{ admin: address('admin'), operator: address('operator') },
    ...{ guardian: address('guardian'), treasury: address('treasury') },
    ...{ batchDelayS: seconds('batch-delay'), exitDelayS: seconds('exit-delay') },
  };
}

function keyIn(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw new BadPlan(`--key-file: ${file} cannot be read (${(error as NodeJS.ErrnoException).code})\n\n${usage}`);
  }
}

function read(args: readonly string[]) {
  const text = { type: 'string' } as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        ...{ rpc: text, 'key-file': text, token: text, admin: text, operator: text, guardian: text, treasury: text },
        'batch-delay': { type: 'string', default: '43200' },
        'exit-delay': { type: 'string', default: '604800' },
      },
    });
  } catch (error) {
    throw new BadPlan(`${(error as Error).message}\n\n${usage}`);
  }
}

/**
 * Deploys a vault.
 *
 * @param say told the transaction before it is waited for, so that it can be looked up if this ends early.
 * @returns the variables that a broker needs for it.
 */
export async function deployVault(plan: VaultPlan, say: (line: string) => void): Promise<Record<string, string>> {
  mustBeApart(plan);
  const fault = delayFault({ batchDelayS: Number(plan.batchDelayS), exitDelayS: Number(plan.exitDelayS) });
  if (fault !== undefined) say(`In production no broker takes this vault, because it ${fault}.`);
  const transport = http(plan.rpcUrl);
  const chainId = await createPublicClient({ transport })
    .getChainId()
    .catch(() => {
      const { host } = new URL(plan.rpcUrl);
      throw new BadPlan(
        `--rpc: the node at ${host} does not answer as a node of a chain does: start it, or name another`,
      );
    });
  const chain = defineChain({
    ...{ id: chainId, name: `chain ${chainId}`, nativeCurrency: { name: 'coin', symbol: 'COIN', decimals: 18 } },
    rpcUrls: { default: { http: [plan.rpcUrl] } },
  });
  const reader = createPublicClient({ chain, transport });
  await mustBeToken(reader, plan.token);
  const { bytecode } = JSON.parse(readFileSync(join(packageRoot, 'contracts/RentalVault.json'), 'utf8')) as {
    bytecode: `0x${string}`;
  };
  const { token, admin, operator, guardian, treasury, batchDelayS, exitDelayS } = plan;
  const hash = await createWalletClient({ chain, transport, account: plan.deployer }).deployContract({
    ...{ abi: rentalVaultAbi, bytecode },
    args: [token, admin, operator, guardian, treasury, batchDelayS, exitDelayS],
  });
  say(`sent ${hash} on chain ${chainId}, and wait for it`);
  const { contractAddress, status, blockNumber } = await reader.waitForTransactionReceipt({ hash });
  if (status !== 'success' || !contractAddress) {
    throw new BadPlan(
      `the chain refused it (${hash}): an exit takes at least twice the delay of a batch, and at most 30 days`,
    );
  }
  return {
    ...{
      ENABLE_BLOCKCHAIN: 'true',
      BLOCKCHAIN_CHAIN_ID: String(chainId),
      VAULT_ADDRESS: contractAddress.toLowerCase(),
    },
    ...{ VAULT_FROM_BLOCK: String(blockNumber), BLOCKCHAIN_RPC_URL: 'https://…,https://…' },
    BACKEND_PRIVATE_KEY_FILE: '/run/secrets/operator-key',
  };
}

/** Two roles of one key are one role for whoever steals it. */
function mustBeApart({ admin, operator, guardian, treasury, batchDelayS, exitDelayS }: VaultPlan): void {
  const holders = Object.entries({ admin, operator, guardian, treasury });
  for (const [name, holder] of holders) {
    const other = holders.find(([each, same]) => each !== name && same.toLowerCase() === holder.toLowerCase());
    if (other !== undefined)
      throw new BadPlan(`${name} and ${other[0]} are the same: whoever steals that key has both roles`);
  }
  if (exitDelayS < 2n * batchDelayS || exitDelayS > 30n * 86_400n) {
    throw new BadPlan('--exit-delay: at least twice --batch-delay, and at most 2592000 (30 days)');
  }
}

async function mustBeToken(reader: ReturnType<typeof createPublicClient>, token: Address): Promise<void> {
  const decimals = await reader
    .readContract({ address: token, abi: erc20Abi, functionName: 'decimals' })
    .catch(() => undefined);
  if (decimals === undefined) throw new BadPlan(`--token: at ${token} is no token that says its decimals`);
  if (decimals > 18) throw new BadPlan(`--token: it has ${decimals} decimals, and amounts here have 18 at most`);
}
