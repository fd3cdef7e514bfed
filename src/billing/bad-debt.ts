import { thawWallet } from '../db/frozen-wallets.js';
import { findEntry, lockAccounts, lockAccount, lockEntryKey, postEntry } from '../db/ledger.js';
import type { Queryable } from '../db/pool.js';
import { BrokerError } from '../domain/errors.js';

/** A debt that nobody will pay, as an operator decides. */
interface WriteOff {
  wallet: string;
  reason: string;
  /** The operator's wallet. */
  by: string;
  /** Names the request: repeated, it is booked once. */
  requestKey: string;
}

interface WrittenOff {
  id: string;
  /** Base units; 0 if it owed nothing. */
  amount: bigint;
  wasFrozen: boolean;
  isRepeat: boolean;
}

/**
 * Books what a wallet owes as lost by the platform, and thaws the wallet: it owes nothing any more. What is reserved for
 * jobs that still run, or held for a withdrawal, is no debt: it comes back or is gone at their end, and until then the wallet
 * stays frozen.
 *
 * @throws BrokerError `idempotency_conflict`
 */
export async function writeOffDebt(tx: Queryable, { wallet, reason, by, requestKey }: WriteOff): Promise<WrittenOff> {
  const key = `bad_debt/${requestKey}`;
  await lockEntryKey(tx, key);
  const accounts = (['customer', 'reserved', 'withdrawing'] as const).map((kind) => ({ kind, owner: wallet }));
  await lockAccounts(tx, accounts);
  const free = await lockAccount(tx, 'customer', wallet);
  const reserved = await lockAccount(tx, 'reserved', wallet);
  const withdrawing = await lockAccount(tx, 'withdrawing', wallet);
  const owed = -(free + reserved + withdrawing);
  const earlier = await findEntry(tx, key);
  if (earlier !== undefined) {
    const line = earlier.lines.find(({ kind, owner }) => kind === 'customer' && owner === wallet);
    if (line !== undefined && earlier.note['reason'] === reason)
      return { id: requestKey, amount: line.amount, wasFrozen: earlier.note['was_frozen'] === true, isRepeat: true };
    throw new BrokerError('idempotency_conflict', 'the key was used for another wallet or reason: use another key');
  }
  const wasFrozen = reserved === 0n && withdrawing === 0n && (await thawWallet(tx, wallet, by));
  if (owed <= 0n) return { id: requestKey, amount: 0n, wasFrozen, isRepeat: !wasFrozen };
  const note = { wallet, reason, by, was_frozen: wasFrozen };
  const lines = [
    { kind: 'customer', owner: wallet, amount: owed },
    { kind: 'bad_debt', owner: '', amount: -owed },
  ] as const;
  await postEntry(tx, { key, kind: 'adjust', note, lines });
  return { id: requestKey, amount: owed, wasFrozen, isRepeat: false };
}
