import { findEntry, lockAccount, lockEntryKey, postEntry, type AccountKind, type EntryKind } from '../db/ledger.js';
import type { Queryable } from '../db/pool.js';
import { BrokerError } from '../domain/errors.js';

/** Money that moved outside the broker, as an operator wrote it down. */
export interface ByHand {
  wallet: string;
  /** Base units. */
  amount: bigint;
  /** Of the bank, the exchange or the chain: where to look it up. */
  reference: string;
  /** The operator's wallet. */
  by: string;
  /** Names the request: repeated, it is booked once. */
  requestKey: string;
}

export interface BookedByHand {
  id: string;
  wallet: string;
  amount: bigint;
  /** Of the wallet's account, after it: what the platform still owes a provider. */
  balance: bigint;
  isRepeat: boolean;
}

/**
 * Books that a provider's wallet was paid what it has earned.
 *
 * @throws BrokerError `payout_exceeds_earnings`, `idempotency_conflict`
 */
export async function recordPayout(tx: Queryable, payout: ByHand): Promise<BookedByHand> {
  return await bookByHand(tx, payout, {
    ...{ prefix: 'payout', kind: 'payout', account: 'provider', sign: -1n },
    mustAllow: (balance) => {
      if (payout.amount <= balance) return;
      throw new BrokerError('payout_exceeds_earnings', `the wallet has ${balance} base units to be paid out`, {
        payable: (balance > 0n ? balance : 0n).toString(),
      });
    },
  });
}

/**
 * Books that a customer has paid: for what is owed, or in advance.
 *
 * @throws BrokerError `idempotency_conflict`
 */
export async function recordPayment(tx: Queryable, payment: ByHand): Promise<BookedByHand> {
  const how = { prefix: 'payment', kind: 'deposit', account: 'customer', sign: 1n } as const;
  return await bookByHand(tx, payment, { ...how, mustAllow: () => undefined });
}

async function bookByHand(
  tx: Queryable,
  { wallet, amount, reference, by, requestKey }: ByHand,
  how: {
    prefix: string;
    kind: EntryKind;
    account: AccountKind;
    sign: 1n | -1n;
    mustAllow: (balance: bigint) => void;
  },
): Promise<BookedByHand> {
  if (amount <= 0n) throw new RangeError('something has to be paid');
  const key = `${how.prefix}/${requestKey}`;
  const change = how.sign * amount;
  // A repeat that runs at the same time waits, and then finds the entry. The account alone is no lock: it may be new.
  await lockEntryKey(tx, key);
  const balance = await lockAccount(tx, how.account, wallet);
  const earlier = await findEntry(tx, key);
  if (earlier !== undefined) {
    const isSame =
      earlier.note['reference'] === reference &&
      earlier.lines.some((line) => line.owner === wallet && line.amount === change);
    if (isSame) return { id: requestKey, wallet, amount, balance, isRepeat: true };
    throw new BrokerError(
      'idempotency_conflict',
      'the key was used for another wallet, amount or reference: use another key',
    );
  }
  how.mustAllow(balance);
  const lines = [
    { kind: how.account, owner: wallet, amount: change },
    { kind: 'manual' as const, owner: '', amount: -change },
  ];
  await postEntry(tx, { key, kind: how.kind, note: { wallet, reference, by }, lines });
  return { id: requestKey, wallet, amount, balance: balance + change, isRepeat: false };
}
