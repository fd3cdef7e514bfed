import { hashTypedData, type Address, type Hex } from 'viem';
import { domainType } from './typed-data-domain.js';

/** What a wallet lets the vault draw in all, in units of the token: `contracts/Permits.sol` checks its signature. */
export interface SpendPermit {
  customer: Address;
  cumulativeCap: bigint;
}

/** What a wallet may have taken out in all, in units of the token, and until when. The vault's operator signs it. */
export interface WithdrawPermit {
  customer: Address;
  cumulativeWithdrawn: bigint;
  /** Seconds since 1970, by the time of the chain. */
  deadline: bigint;
}

interface VaultDomain {
  chainId: number;
  vault: Address;
}

const domainOf = ({ chainId, vault }: VaultDomain) => ({
  ...{ name: 'WorldLand Vault', version: '1', chainId, verifyingContract: vault },
});

const spendPermitType = [
  { name: 'customer', type: 'address' },
  { name: 'cumulativeCap', type: 'uint128' },
] as const;
const withdrawPermitType = [
  { name: 'customer', type: 'address' },
  { name: 'cumulativeWithdrawn', type: 'uint128' },
  { name: 'deadline', type: 'uint64' },
] as const;

export const spendPermitTypedData = (vault: VaultDomain, message: SpendPermit) => ({
  domain: domainOf(vault),
  types: { SpendPermit: spendPermitType },
  primaryType: 'SpendPermit' as const,
  message,
});

export const withdrawPermitTypedData = (vault: VaultDomain, message: WithdrawPermit) => ({
  domain: domainOf(vault),
  types: { WithdrawPermit: withdrawPermitType },
  primaryType: 'WithdrawPermit' as const,
  message,
});

/** What a customer's wallet signs. */
export const spendPermitDigest = (vault: VaultDomain, message: SpendPermit): Hex =>
  hashTypedData(spendPermitTypedData(vault, message));

/** The same as JSON, for a wallet that is asked to sign it: numbers are texts, and the domain's fields are in it. */
export function spendPermitJson(vault: VaultDomain, message: SpendPermit) {
  const { types, ...data } = spendPermitTypedData(vault, message);
  const shown = { ...message, cumulativeCap: message.cumulativeCap.toString() };
  return { ...data, types: { EIP712Domain: domainType, ...types }, message: shown };
}
