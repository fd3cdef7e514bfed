import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  BaseError,
  ContractFunctionRevertedError,
  getAddress,
  type Abi,
  type Account,
  type Address,
  type Hex,
  type TransactionReceipt,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { foundry } from 'viem/chains';
import { chainClient } from '../../engines/chain/wallet.js';
import { packageRoot } from '../../engines/paths.js';
import { startStack } from '../../engines/stack.js';
import { findAnvil } from '../../engines/tools/anvil.js';

/** Something that was deployed. */
export interface Deployed {
  address: Address;
  abi: Abi;
}

/** A chain of a test's own. Its time is moved by the test alone. */
export interface VaultChain {
  chainId: number;
  url: string;
  /** Has the account's coins on it, for gas. */
  fund(who: Address): Promise<void>;
  deploy(contract: { abi: Abi; bytecode: Hex }, args?: readonly unknown[]): Promise<Deployed>;
  /** @throws Error with the name of the contract's error, and its arguments */
  send(from: Account, to: Deployed, name: string, args?: readonly unknown[]): Promise<TransactionReceipt>;
  read<T>(from: Deployed, name: string, args?: readonly unknown[]): Promise<T>;
  /** Moves time on, in seconds. */
  pass(seconds: number): Promise<void>;
  /** The time of the last block, in seconds. */
  now(): Promise<number>;
  stop(): Promise<void>;
}

/** The first of the accounts that anvil gives coins to. */
const deployer = privateKeyToAccount('0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80');

export async function startVaultChain(): Promise<VaultChain> {
  const dataDir = mkdtempSync(join(tmpdir(), 'vault-chain-'));
  const stack = await startStack({ dataDir, isTemporary: true, engines: ['anvil'] });
  const url = stack.endpoints().chain!;
  const wallet = chainClient({ chain: url, chain_id: String(foundry.id) }, { pollMs: 20 });
  const { client } = wallet;
  return {
    chainId: foundry.id,
    url,
    fund: wallet.fund,
    async deploy(contract, args = []) {
      const { address } = await wallet.deploy(deployer, contract, args);
      return { address: getAddress(address), abi: contract.abi };
    },
    async send(account, { address, abi }, functionName, args = []) {
      try {
        return await wallet.send(account, address, { abi }, functionName, args);
      } catch (error) {
        throw new Error(refusalIn(error), { cause: error });
      }
    },
    read: ({ address, abi }, functionName, args = []) => wallet.read(address, { abi }, functionName, args),
    async pass(seconds) {
      await client.increaseTime({ seconds });
      await client.mine({ blocks: 1 });
    },
    now: async () => Number((await client.getBlock()).timestamp),
    stop: () => stack.stop(),
  };
}

function refusalIn(error: unknown): string {
  if (!(error instanceof BaseError)) return String(error);
  const reverted = error.walk((each) => each instanceof ContractFunctionRevertedError);
  if (!(reverted instanceof ContractFunctionRevertedError) || reverted.data === undefined) return error.message;
  return [reverted.data.errorName, ...(reverted.data.args ?? []).map((each) => String(each).toLowerCase())].join(' ');
}

/** Why there can be no chain here, if so. */
export function missingAnvil(): string | undefined {
  try {
    findAnvil();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What is committed of a contract: `RentalVault`, or `test/TestToken`. */
export function publishedContract(name: string): { abi: Abi; bytecode: Hex } {
  return JSON.parse(readFileSync(join(packageRoot, `contracts/${name}.json`), 'utf8')) as { abi: Abi; bytecode: Hex };
}
