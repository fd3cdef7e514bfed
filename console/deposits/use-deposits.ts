import type { Deposits } from '../../src/client/types.generated.js';
import type { VaultPlace } from '../chain/actions.js';
import type { CapFacts } from '../chain/cap-choice.js';
import { broker, login, useResource, type Loaded } from '../live/index.js';

/** A block is final some seconds after it is there; nobody should have to reload for it. */
const everyMs = 5_000;

/** What the wallet has in the vault, as the broker has booked it. */
export function useDeposits(): Loaded<Deposits> {
  const wallet = login.value?.wallet;
  return useResource(wallet === undefined ? undefined : `chain:${wallet}:deposits`, () => broker().money.deposits(), {
    everyMs,
  });
}

/** A vault that a worker of the broker has read, and its token. */
export interface KnownVault {
  place: VaultPlace;
  /** Of the token. */
  decimals: number;
}

const addressPattern = /^0x[0-9a-f]{40}$/;

/** @returns undefined until a worker has read the vault, and where what the broker says is no vault. */
export function vaultIn({ vault, token }: Pick<Deposits, 'vault' | 'token'>): KnownVault | undefined {
  if (vault === null || token === null) return undefined;
  const place = { chainId: vault.chain_id, vault: vault.address.toLowerCase(), token: token.address.toLowerCase() };
  const isRight = addressPattern.test(place.vault) && addressPattern.test(place.token);
  const { decimals } = token;
  return isRight && Number.isInteger(decimals) && decimals >= 0 && decimals <= 18 ? { place, decimals } : undefined;
}

export function capFactsOf({ deposited, withdrawn, cap_signed: signed, drawn }: Deposits): CapFacts {
  return {
    ...{ deposited: BigInt(deposited), withdrawn: BigInt(withdrawn) },
    ...{ signed: BigInt(signed), drawn: BigInt(drawn) },
  };
}
