import type { Address } from 'viem';

/** What is signed for a vault, in the form of wallets. */
export const vaultTypes = {
  SpendPermit: [
    { name: 'customer', type: 'address' },
    { name: 'cumulativeCap', type: 'uint128' },
  ],
  WithdrawPermit: [
    { name: 'customer', type: 'address' },
    { name: 'cumulativeWithdrawn', type: 'uint128' },
    { name: 'deadline', type: 'uint64' },
  ],
} as const;

export function vaultDomain(chainId: number, vault: Address) {
  return { name: 'WorldLand Vault', version: '1', chainId, verifyingContract: vault };
}
