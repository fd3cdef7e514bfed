import type { Address } from 'viem';
import type { WorldLand as Client } from '../../client/index.js';
import type { Deposits } from '../../client/shapes.js';
import type { Context } from '../context.js';
import type { SendFlags } from './carry-out.js';
import type { FoundVault } from './named-vault.js';

export interface DepositFlags extends SendFlags {
  cap?: string;
  /** Raises a cap by a transaction. */
  call?: boolean;
}

/** Whose deposit it is, and what broker and chain say of it. */
export interface DepositAsked {
  context: Context;
  client: Client;
  deposits: Deposits;
  found: FoundVault;
  wallet: Address;
  flags: DepositFlags;
}
