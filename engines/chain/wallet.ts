import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  createTestClient,
  defineChain,
  http,
  publicActions,
  walletActions,
  type Abi,
  type Account,
  type Address,
  type Hex,
  type TransactionReceipt,
} from 'viem';
import { packageRoot } from '../paths.js';

/** Where a local chain is, as `endpoints.json` has it. */
export interface LocalChain {
  chain: string;
  chain_id: string;
}

/** The same with the vault on it, and the token that it holds. */
export interface LocalVault extends LocalChain {
  vault: string;
  token: string;
}

/** A contract as it is committed. */
export interface Contract {
  abi: Abi;
  bytecode: Hex;
}

const contract = (file: string) => JSON.parse(readFileSync(join(packageRoot, 'contracts', file), 'utf8')) as Contract;
export const vaultContract = (): Contract => contract('RentalVault.json');
export const tokenContract = (): Contract => contract('test/TestToken.json');
/** Of the token: as many as those of real money have. */
export const tokenDecimals = 6;

/** Enough for the gas of years. */
const coins = 100n * 10n ** 18n;

export type ChainClient = ReturnType<typeof chainClient>;

/** Calls of wallets whose keys are at hand, on a chain that gives coins to everybody. */
export function chainClient({ chain: url, chain_id }: LocalChain, { pollMs = 100 } = {}) {
  const chain = defineChain({
    id: Number(chain_id),
    name: 'local chain',
    nativeCurrency: { name: 'coin', symbol: 'COIN', decimals: 18 },
    rpcUrls: { default: { http: [url] } },
  });
  const transport = http(url, { timeout: 10_000 });
  const client = createTestClient({ mode: 'anvil', chain, transport, cacheTime: 0, pollingInterval: pollMs })
    .extend(publicActions)
    .extend(walletActions);

  async function done(hash: Hex): Promise<TransactionReceipt> {
    const receipt = await client.waitForTransactionReceipt({ hash, timeout: 60_000 });
    if (receipt.status !== 'success') throw new Error(`the chain refused the transaction ${hash}`);
    return receipt;
  }
  return {
    client,
    /** Has an account's coins on the chain, for gas. */
    fund: async (address: Address) => await client.setBalance({ address, value: coins }),
    async deploy(account: Account, { abi, bytecode }: Contract, args: readonly unknown[]) {
      const { contractAddress, blockNumber } = await done(
        await client.deployContract({ abi, bytecode, args, account }),
      );
      return { address: contractAddress!.toLowerCase() as Address, blockNumber };
    },
    /** @throws Error with the reason, before anything is sent, when the contract refuses */
    async send(
      account: Account,
      address: string,
      { abi }: Pick<Contract, 'abi'>,
      functionName: string,
      args: readonly unknown[],
    ) {
      const call = { account, address: address as Address, abi, functionName, args };
      await client.simulateContract(call);
      return await done(await client.writeContract(call));
    },
    read: async <T>(
      address: string,
      { abi }: Pick<Contract, 'abi'>,
      functionName: string,
      args: readonly unknown[] = [],
    ) => (await client.readContract({ address: address as Address, abi, functionName, args })) as T,
  };
}

/** Gives a wallet coins for gas, and tokens (in base units), which anybody may mint here. */
export async function fundWallet(chain: LocalVault, payer: Account, to: Address, units: bigint): Promise<void> {
  const { fund, send } = chainClient(chain);
  await fund(to);
  await send(payer, chain.token, tokenContract(), 'mint', [to, units]);
}
