import { hashTypedData, zeroAddress, zeroHash, type Address, type Hex } from 'viem';

/**
 * Types and domain are always these, whatever a sender says. The widths are written out: wallets hash the short forms
 * differently.
 */
export const providerRegistrationTypes = {
  ProviderRegistration: [
    { name: 'providerId', type: 'string' },
    { name: 'wallet', type: 'address' },
    { name: 'nodeKey', type: 'address' },
    { name: 'specHash', type: 'bytes32' },
    { name: 'audience', type: 'string' },
    { name: 'issuedAt', type: 'uint64' },
    { name: 'expiresAt', type: 'uint64' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const;

/** A `specHash` that pins nothing: the node key may sign any registration of the provider. */
export const anySpec: Hex = zeroHash;

/**
 * A wallet lets a key on a provider's machine speak for the provider, and takes its earnings. Addresses and hashes in
 * lower case, times in unix seconds.
 */
export interface ProviderRegistration {
  providerId: string;
  wallet: Address;
  nodeKey: Address;
  /** `anySpec`, or the keccak256 of the one `data` text that this allows. */
  specHash: Hex;
  audience: string;
  issuedAt: number;
  expiresAt: number;
  nonce: Hex;
}

/** Another name than that of the API's domain: no login is ever a delegation of a provider, and none the other way. */
export function providerDomain(chainId: number) {
  return { name: 'WorldLand Provider', version: '1', chainId, verifyingContract: zeroAddress } as const;
}

/** What a provider's owner signs, with the values in the types that viem takes. */
export function providerRegistrationTypedData(message: ProviderRegistration, chainId: number) {
  return {
    domain: providerDomain(chainId),
    types: providerRegistrationTypes,
    primaryType: 'ProviderRegistration',
    message: { ...message, issuedAt: BigInt(message.issuedAt), expiresAt: BigInt(message.expiresAt) },
  } as const;
}

export function providerRegistrationDigest(message: ProviderRegistration, chainId: number): Hex {
  return hashTypedData(providerRegistrationTypedData(message, chainId));
}
