import type { Address } from 'viem';
import { lockBatches } from '../db/batches.js';
import { lockAccount, lockAccounts, lockEntryKey, postEntry } from '../db/ledger.js';
import type { Queryable } from '../db/pool.js';
import { toBeDrawnOf, walletInVault, type VaultId } from '../db/vault-events.js';
import {
  endWithdrawal,
  findWithdrawal,
  insertWithdrawal,
  openWithdrawal,
  withdrawalByKey,
  type Withdrawal,
  type WithdrawalVoid,
} from '../db/withdrawals.js';
import { BrokerError } from '../domain/errors.js';

/** A vault, and how many base units are in one unit of its token. */
interface ScaledVault extends VaultId {
  scale: bigint;
}

interface AskedWithdrawal {
  wallet: Address;
  /** Base units. */
  amount: bigint;
  /** Names the request: repeated, it is the same withdrawal. */
  requestKey: string;
}

/**
 * Holds money of a customer for him to take out of the vault. Nothing is signed yet.
 *
 * @throws BrokerError `withdrawal_pending`, `exit_pending`, `insufficient_funds`, `idempotency_conflict`,
 *   `validation_failed`
 */
export async function askWithdrawal(
  tx: Queryable,
  vault: ScaledVault,
  asked: AskedWithdrawal,
): Promise<{ withdrawal: Withdrawal; isRepeat: boolean }> {
  const { wallet, amount, requestKey } = asked;
  await lockEntryKey(tx, `withdraw/${requestKey}`);
  const earlier = await withdrawalByKey(tx, requestKey);
  if (earlier !== undefined) {
    if (earlier.wallet === wallet && earlier.amount === amount) return { withdrawal: earlier, isRepeat: true };
    throw new BrokerError('idempotency_conflict', 'the key was used for another amount: use another key');
  }
  if (amount % vault.scale !== 0n) throw notWhole(vault.scale);
  // What a settlement draws has to be there when it is executed: none is cut meanwhile.
  await lockBatches(tx, vault);
  const free = await lockAccount(tx, 'customer', wallet);
  const { withdrawn, ...inVault } = await mayWithdraw(tx, vault, wallet);
  const there = inVault.deposited - withdrawn - (await toBeDrawnOf(tx, vault, wallet)) * vault.scale;
  const available = [free, there].reduce((least, each) => (each < least ? each : least));
  if (amount > available) throw tooMuch(amount, available > 0n ? available : 0n);
  const cumulative = (withdrawn + amount) / vault.scale;
  const withdrawal = await insertWithdrawal(tx, vault, { wallet, amount, cumulative, requestKey });
  await postEntry(tx, {
    ...{ key: `withdraw/${withdrawal.id}`, kind: 'withdraw_hold', note: { wallet, withdrawal: withdrawal.id } },
    lines: [
      { kind: 'customer', owner: wallet, amount: -amount },
      { kind: 'withdrawing', owner: wallet, amount },
    ],
  });
  return { withdrawal, isRepeat: false };
}

/** What the vault has of a wallet that has asked for nothing else. */
async function mayWithdraw(tx: Queryable, vault: VaultId, wallet: string) {
  const inVault = await walletInVault(tx, vault, wallet);
  if (inVault.exitAt !== undefined) {
    throw new BrokerError(
      'exit_pending',
      `the wallet has asked the vault for all of its money, from ${inVault.exitAt.toISOString()} on: it needs no permit`,
    );
  }
  const open = await openWithdrawal(tx, vault, wallet);
  if (open === undefined) return inVault;
  const until = open.deadlineS === undefined ? undefined : new Date(open.deadlineS * 1_000).toISOString();
  throw new BrokerError(
    'withdrawal_pending',
    `${open.amount} base units can still be taken out${until === undefined ? '' : `, until ${until}`}: one at a time`,
    { withdrawal_id: open.id, ...(until === undefined ? {} : { deadline: until }) },
  );
}

function notWhole(scale: bigint): BrokerError {
  const message = `must be a whole number of the token’s smallest units: a multiple of ${scale}`;
  return new BrokerError('validation_failed', `amount ${message}`, { errors: [{ field: 'amount', message }] });
}

function tooMuch(required: bigint, available: bigint): BrokerError {
  return new BrokerError('insufficient_funds', `${available} base units can be taken out`, {
    ...{ required: required.toString(), available: available.toString() },
    missing: (required - available).toString(),
  });
}

/**
 * Gives back what is held for a withdrawal that nobody can take any more. Repeated, it does nothing.
 *
 * @returns false when it had ended before.
 */
export async function giveBack(tx: Queryable, vault: ScaledVault, id: string, why: WithdrawalVoid): Promise<boolean> {
  const found = await findWithdrawal(tx, id);
  if (found === undefined) return false;
  const { wallet, cumulative } = found;
  await lockAccounts(tx, [
    { kind: 'customer', owner: wallet },
    { kind: 'withdrawing', owner: wallet },
  ]);
  if (!(await endWithdrawal(tx, id, { status: 'void', why }))) return false;
  const held = await heldFor(tx, vault, wallet, cumulative);
  if (held === 0n) return true;
  await postEntry(tx, {
    ...{ key: `withdraw_void/${id}`, kind: 'withdraw_void', note: { wallet, withdrawal: id, reason: why } },
    lines: [
      { kind: 'withdrawing', owner: wallet, amount: -held },
      { kind: 'customer', owner: wallet, amount: held },
    ],
  });
  return true;
}

/** What the ledger still holds for a total that the vault has not paid out. Never more than is in the account. */
async function heldFor(tx: Queryable, vault: ScaledVault, wallet: string, cumulative: bigint): Promise<bigint> {
  const { withdrawn } = await walletInVault(tx, vault, wallet);
  const open = cumulative * vault.scale - withdrawn;
  const inAccount = await lockAccount(tx, 'withdrawing', wallet);
  const held = open < inAccount ? open : inAccount;
  return held > 0n ? held : 0n;
}

/**
 * How much of what the vault paid out to a customer was held for it; the rest is of what is free. Call it before the
 * payout is added to what he has taken out.
 *
 * @param amount base units that left the vault.
 */
export async function takenFromHeld(
  tx: Queryable,
  vault: ScaledVault,
  wallet: string,
  amount: bigint,
): Promise<{ held: bigint; ends?: string }> {
  const open = await openWithdrawal(tx, vault, wallet);
  if (open === undefined) return { held: 0n };
  const held = await heldFor(tx, vault, wallet, open.cumulative);
  const { withdrawn } = await walletInVault(tx, vault, wallet);
  return {
    held: amount < held ? amount : held,
    // By its own permit, or by an exit, which makes that void.
    ...(withdrawn + amount >= open.cumulative * vault.scale ? { ends: open.id } : {}),
  };
}
