import { erc20Abi, type Abi, type Address, type PrivateKeyAccount } from 'viem';
import { rentalVaultAbi } from '../../../src/chain/rental-vault-abi.js';
import { scaleOf } from '../../../src/domain/vault-units.js';
import { compile, readSources } from '../../../scripts/contracts.js';
import { startAnvil, type Anvil } from '../../support/anvil.js';
import { startRpcProxy, type RpcProxy } from '../../support/rpc-proxy.js';
import { deploy, operatorKey, roles } from '../../support/vault.js';
import { publishedContract } from '../../support/vault-chain.js';

/** A block is final once so many follow it. What is rolled back is less. */
export const finality = 4;
/** Between the proposal of a settlement and its execution. */
const batchDelayS = 5;
/** Between the request of an exit and the exit. */
export const exitDelayS = 20;
/** The least that is booked of a wallet's deposits, in tokens. */
const leastDeposit = '0.01';

/** Minting, which anybody may do with a token of tests. */
export const mintAbi = [
  {
    ...{ type: 'function', name: 'mint', stateMutability: 'nonpayable', outputs: [] },
    inputs: [
      { name: 'to', type: 'address' },
      { name: 'amount', type: 'uint256' },
    ],
  },
] as const satisfies Abi;

/** A chain that mines a block each second, with a vault and two nodes in front of it that may be bad ones. */
export interface ChainSite {
  anvil: Anvil;
  chainId: number;
  token: Address;
  /** Another one, which the vault does not take. */
  foreignToken: Address;
  vault: Address;
  decimals: number;
  /** Base units in one unit of the token. */
  scale: bigint;
  /** Whether the token keeps a part of all that is moved. */
  keepsFee: boolean;
  nodes: readonly [RpcProxy, RpcProxy];
  guardian: PrivateKeyAccount;
  treasury: PrivateKeyAccount;
  /** What the broker is started with. */
  env: Record<string, string>;
  secrets: Record<string, string>;
  /** The highest block that there ever was: a rollback takes some away. */
  highest(): number;
  /** Looks again. */
  height(): Promise<number>;
  read: <T>(functionName: VaultRead, args?: readonly unknown[]) => Promise<T>;
  tokensOf(who: Address): Promise<bigint>;
  stop(): Promise<void>;
}

type VaultRead = 'proposed' | 'lastExecuted' | 'customers' | 'payees' | 'batches' | 'fees' | 'pausedUntil';

/** Compiled here: it is nothing that anybody deploys. */
const feeToken = () => compile(readSources(), ['test/OddTokens.sol'], { viaIR: false })['FeeToken']!;

/** @param keepsFee whether the vault's token is one that keeps a hundredth of what is moved, with 18 decimals. */
export async function startChainSite({ keepsFee }: { keepsFee: boolean }): Promise<ChainSite> {
  const anvil = await startAnvil({ args: ['--block-time', '1', '--slots-in-an-epoch', '1'] });
  const decimals = keepsFee ? 18 : 6;
  const plain = publishedContract('test/TestToken');
  const token = keepsFee ? await deploy(anvil, feeToken(), []) : await deploy(anvil, plain, [decimals]);
  const foreignToken = await deploy(anvil, plain, [6]);
  const holders = [roles.admin, roles.operator, roles.guardian, roles.treasury];
  const vault = await deploy(anvil, publishedContract('RentalVault'), [
    ...[token, ...holders.map((index) => anvil.accounts[index]!.address)],
    ...[BigInt(batchDelayS), BigInt(exitDelayS)],
  ]);
  const nodes = [await startRpcProxy(anvil.url), await startRpcProxy(anvil.url)] as const;
  let highest = 0;
  const height = async () => {
    const now = Number(await anvil.client.getBlockNumber());
    highest = Math.max(highest, now);
    return now;
  };
  return {
    ...{
      anvil,
      chainId: anvil.chainId,
      token,
      foreignToken,
      vault,
      decimals,
      scale: scaleOf(decimals),
      keepsFee,
      nodes,
    },
    guardian: anvil.accounts[roles.guardian]!,
    treasury: anvil.accounts[roles.treasury]!,
    env: {
      ENABLE_BLOCKCHAIN: 'true',
      BLOCKCHAIN_CHAIN_ID: String(anvil.chainId),
      AUTH_CHAIN_IDS: `1,${anvil.chainId}`,
      BLOCKCHAIN_RPC_URL: nodes.map(({ url }) => url).join(','),
      VAULT_ADDRESS: vault,
      BACKEND_PRIVATE_KEY: operatorKey,
      CHAIN_FINALITY: String(finality),
      VAULT_LEAST_DEPOSIT: leastDeposit,
    },
    secrets: { 'the key of the operator': operatorKey.slice(2) },
    highest: () => highest,
    height,
    read: async <T>(functionName: VaultRead, args: readonly unknown[] = []) =>
      (await anvil.client.readContract({
        ...{ address: vault, abi: rentalVaultAbi, functionName, args: args as never },
      })) as T,
    tokensOf: (who) =>
      anvil.client.readContract({ address: token, abi: erc20Abi, functionName: 'balanceOf', args: [who] }),
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
      await anvil.stop();
    },
  };
}
