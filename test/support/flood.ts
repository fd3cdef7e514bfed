import type { Address, PrivateKeyAccount } from 'viem';
import { compile } from '../../scripts/contracts.js';
import type { Anvil } from './anvil.js';
import { deploy, type TestVault } from './vault.js';

const source = `// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;
interface Token { function mint(address to, uint256 amount) external; function approve(address by, uint256 amount) external returns (bool); }
interface Vault { function deposit(address customer, uint128 amount, uint128 cap) external; }
contract Flood {
  function fill(Vault vault, Token token, address first, uint256 wallets, uint256 deposits, uint128 amount) external {
    token.mint(address(this), deposits * amount);
    token.approve(address(vault), deposits * amount);
    for (uint256 n = 0; n < deposits; n++) vault.deposit(address(uint160(first) + uint160(n % wallets)), amount, 0);
  }
}`;

interface FloodOf {
  /** The first of the wallets in whose name is deposited; the others have the next addresses. */
  first: Address;
  wallets?: number;
  /** All in one transaction. */
  deposits: number;
  /** Units of the token, of each. */
  amount?: bigint;
}

/** A stranger's contract, that fills a block with deposits. */
export async function deployFlood(anvil: Anvil, vault: TestVault, stranger: PrivateKeyAccount) {
  const built = compile({ 'Flood.sol': source })['Flood']!;
  const address = await deploy(anvil, built, []);
  return async ({ first, wallets = 1, deposits, amount = 1n }: FloodOf) => {
    const hash = await anvil.client.writeContract({
      ...{
        address,
        abi: built.abi,
        functionName: 'fill',
        account: stranger,
        chain: anvil.client.chain,
        gas: 100_000_000n,
      },
      args: [vault.vault, vault.token, first, BigInt(wallets), BigInt(deposits), amount],
    });
    const receipt = await anvil.client.waitForTransactionReceipt({ hash });
    if (receipt.status !== 'success') throw new Error(`the flood was reverted after ${receipt.gasUsed} gas`);
    return Number(receipt.blockNumber);
  };
}
