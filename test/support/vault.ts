import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Abi, Address, Hex, PrivateKeyAccount } from 'viem';
import { packageRoot } from '../../engines/paths.js';
import type { ChainSettings } from '../../src/config/chain.js';
import { anvilKeys, type Anvil } from './anvil.js';

interface Built {
  abi: Abi;
  bytecode: Hex;
}

const built = (file: string) => JSON.parse(readFileSync(join(packageRoot, 'contracts', file), 'utf8')) as Built;

/** Who is who on the chain of a test; the keys are those that anvil funds. */
export const roles = { admin: 0, operator: 1, guardian: 2, treasury: 3, customer: 4, provider: 5 } as const;
export const operatorKey = anvilKeys[roles.operator]!;

export async function deploy(anvil: Anvil, { abi, bytecode }: Built, args: readonly unknown[]): Promise<Address> {
  const hash = await anvil.client.deployContract({ abi, bytecode, args, account: anvil.accounts[roles.admin]! });
  const { contractAddress } = await anvil.client.waitForTransactionReceipt({ hash });
  return contractAddress!.toLowerCase() as Address;
}

export type TestVault = Awaited<ReturnType<typeof deployVault>>;

/** A token of 6 decimals, unless told otherwise, and a vault for it. */
export async function deployVault(anvil: Anvil, { decimals = 6, batchDelayS = 60, exitDelayS = 604_800 } = {}) {
  const [tokenContract, vaultContract] = [built('test/TestToken.json'), built('RentalVault.json')];
  const token = await deploy(anvil, tokenContract, [decimals]);
  const { admin, operator, guardian, treasury } = roles;
  const holders = [admin, operator, guardian, treasury].map((index) => anvil.accounts[index]!.address);
  const vault = await deploy(anvil, vaultContract, [token, ...holders, BigInt(batchDelayS), BigInt(exitDelayS)]);

  async function send(
    account: PrivateKeyAccount,
    of: 'vault' | 'token',
    functionName: string,
    args: readonly unknown[],
  ) {
    const [address, { abi }] = of === 'vault' ? [vault, vaultContract] : [token, tokenContract];
    const hash = await anvil.client.writeContract({
      address,
      abi,
      functionName,
      args,
      account,
      chain: anvil.client.chain,
    });
    return await anvil.client.waitForTransactionReceipt({ hash });
  }
  const read = (functionName: string, args: readonly unknown[] = []) =>
    anvil.client.readContract({ address: vault, abi: vaultContract.abi, functionName, args });
  return {
    token,
    vault,
    abi: vaultContract.abi,
    send,
    read,
    /** Mints and deposits; the cap is what all draws together may come to. */
    async deposit(customer: PrivateKeyAccount, amount: bigint, cap = 10n ** 30n) {
      await send(customer, 'token', 'mint', [customer.address, amount]);
      await send(customer, 'token', 'approve', [vault, amount]);
      return await send(customer, 'vault', 'deposit', [customer.address, amount, cap]);
    },
  };
}

/** What a worker of a site with this vault has set. */
export function settingsOf(
  anvil: Anvil,
  { vault }: { vault: Address },
  changed: Partial<ChainSettings> = {},
): ChainSettings {
  return {
    chainId: anvil.chainId,
    rpcUrls: [anvil.url],
    vault,
    operatorKey,
    finality: 1,
    maxFeeWei: 100_000_000_000n,
    batchIntervalH: 24,
    pollS: 15,
    leastDeposit: 10n ** 16n,
    fromBlock: 0,
    isProduction: false,
    ...changed,
  };
}
