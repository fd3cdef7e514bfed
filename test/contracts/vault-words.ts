import type { Address } from 'viem';
import type { Content } from './vault-calls.js';

export const zeroAddress: Address = '0x0000000000000000000000000000000000000000';

/** Why a call is refused; `of` is the address that the error names. */
export class Refusal extends Error {
  constructor(
    readonly reason: string,
    readonly of?: Address,
  ) {
    super(reason);
  }
}

export interface Account {
  balance: bigint;
  spent: bigint;
  cap: bigint;
  exitAt: number;
  withdrawn: bigint;
  credited: bigint;
  earningsWithdrawn: bigint;
}

export interface Batch {
  content: Content;
  executableAt: number;
  proposer: Address;
  isVetoed: boolean;
}

export type Role = 'operator' | 'guardian' | 'treasury';

export interface Announcement {
  next: Address;
  from: number;
}

export interface VaultSettings {
  vault: Address;
  admin: Address;
  holders: Record<Role, Address>;
  batchDelayS: number;
  exitDelayS: number;
}
