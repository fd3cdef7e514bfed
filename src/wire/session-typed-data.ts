import { hashTypedData, zeroAddress, type Address, type Hex } from 'viem';
import { domainType } from './typed-data-domain.js';

/**
 * The text a wallet shows. Any other text is refused, so that nobody can be talked into signing a more harmless one.
 */
export const delegationStatement =
  'Allow this session key to use WorldLand Broker on my behalf. It cannot move funds from my wallet.';

/** How far the time in a wallet's signed message may be from the broker's: people take their time to sign. */
export const signingSkewS = 300;

/**
 * Types and domain are always these, whatever a client sends. The width of `uint` is written out: viem refuses the
 * short form, and wallets hash it differently.
 */
export const delegationTypes = {
  SessionDelegation: [
    { name: 'wallet', type: 'address' },
    { name: 'sessionKey', type: 'address' },
    { name: 'audience', type: 'string' },
    { name: 'statement', type: 'string' },
    { name: 'scopes', type: 'string' },
    { name: 'spendLimit', type: 'uint256' },
    { name: 'issuedAt', type: 'uint64' },
    { name: 'expiresAt', type: 'uint64' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const;

export const revocationTypes = {
  SessionRevocation: [
    { name: 'wallet', type: 'address' },
    { name: 'sessionKey', type: 'address' },
    { name: 'audience', type: 'string' },
    { name: 'issuedAt', type: 'uint64' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const;

/**
 * A wallet lets a session key speak for it. Addresses in lower case, `spendLimit` in base units, times in unix seconds.
 */
export interface SessionDelegation {
  wallet: Address;
  sessionKey: Address;
  audience: string;
  statement: string;
  scopes: string;
  spendLimit: bigint;
  issuedAt: number;
  expiresAt: number;
  nonce: Hex;
}

/** A wallet revokes that delegation; the zero address revokes all of them. */
export interface SessionRevocation {
  wallet: Address;
  sessionKey: Address;
  audience: string;
  issuedAt: number;
  nonce: Hex;
}

/**
 * The contract is the zero address. EIP-712 lets a domain leave it out, but wallets have refused that more than once.
 * No contract lives at that address, so no signature for the API is ever valid for a contract.
 */
export function authDomain(chainId: number) {
  return { name: 'WorldLand Broker', version: '1', chainId, verifyingContract: zeroAddress } as const;
}

/** What a wallet signs to log in, with the values in the types that viem takes. */
export function delegationTypedData(message: SessionDelegation, chainId: number) {
  return {
    domain: authDomain(chainId),
    types: delegationTypes,
    primaryType: 'SessionDelegation',
    message: { ...message, issuedAt: BigInt(message.issuedAt), expiresAt: BigInt(message.expiresAt) },
  } as const;
}

/** What a wallet signs to revoke without a session. */
export function revocationTypedData(message: SessionRevocation, chainId: number) {
  return {
    domain: authDomain(chainId),
    types: revocationTypes,
    primaryType: 'SessionRevocation',
    message: { ...message, issuedAt: BigInt(message.issuedAt) },
  } as const;
}

export function delegationDigest(message: SessionDelegation, chainId: number): Hex {
  return hashTypedData(delegationTypedData(message, chainId));
}

export function revocationDigest(message: SessionRevocation, chainId: number): Hex {
  return hashTypedData(revocationTypedData(message, chainId));
}

/** The delegation as JSON, ready for `eth_signTypedData_v4`; amounts as decimal strings. */
export function delegationForWallet(message: SessionDelegation, chainId: number) {
  return {
    types: { EIP712Domain: domainType, ...delegationTypes },
    primaryType: 'SessionDelegation' as const,
    domain: authDomain(chainId),
    message: { ...message, spendLimit: message.spendLimit.toString() },
  };
}
