import { keccak256, toHex, type Address } from 'viem';
import { privateKeyToAccount, type PrivateKeyAccount } from 'viem/accounts';

const withKeys = [
  'alice',
  'bob',
  'carla',
  'dora',
  'operator',
  'heir',
  'guardian',
  'warden',
  'treasury',
  'purse',
  'admin',
  'stranger',
] as const;
type WithKey = (typeof withKeys)[number];

/** People and programs of the tests, by name. `wallet` is a contract and signs nothing. */
export type Actors = Record<WithKey | 'wallet', Address>;

const accounts = new Map<string, PrivateKeyAccount>();
const named = {} as Record<WithKey, Address>;
for (const name of withKeys) {
  const account = privateKeyToAccount(keccak256(toHex(`a key of the tests: ${name}`)));
  named[name] = account.address.toLowerCase() as Address;
  accounts.set(named[name], account);
}

/** All addresses of a sequence are in small letters, so that they compare. */
export function actorsWith(wallet: Address): Actors {
  return { ...named, wallet: wallet.toLowerCase() as Address };
}

/** Who signs with his key. */
export function accountOf(who: Address): PrivateKeyAccount {
  const account = accounts.get(who);
  if (account === undefined) throw new Error(`${who} has no key`);
  return account;
}
