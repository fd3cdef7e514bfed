import type { VaultPlace } from './actions.js';

/**
 * The message by which a wallet allows draws without a transaction. It is written here, so nothing that the broker sends
 * can make it say something else.
 *
 * @param cap all draws together may come to this much, in units of the token.
 */
export function spendPermit({ chainId, vault }: Pick<VaultPlace, 'chainId' | 'vault'>, customer: string, cap: bigint) {
  return {
    domain: { name: 'WorldLand Vault', version: '1', chainId, verifyingContract: vault },
    types: {
      EIP712Domain: [
        { name: 'name', type: 'string' },
        { name: 'version', type: 'string' },
        { name: 'chainId', type: 'uint256' },
        { name: 'verifyingContract', type: 'address' },
      ],
      SpendPermit: [
        { name: 'customer', type: 'address' },
        { name: 'cumulativeCap', type: 'uint128' },
      ],
    },
    primaryType: 'SpendPermit',
    message: { customer, cumulativeCap: cap.toString() },
  };
}
