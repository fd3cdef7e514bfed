import { findBatch, lockBatches, payeesOfBatches } from '../db/batches.js';
import { allowToOwe, lockAccounts, postEntry, type Line } from '../db/ledger.js';
import type { Queryable } from '../db/pool.js';
import { forgetPermit } from '../db/spend-permits.js';
import { endWithdrawal } from '../db/withdrawals.js';
import { bookFinal } from './batch-bookings.js';
import { stopForProposal } from './foreign-proposal.js';
import { bookLateExecution } from './late-execution.js';
import { freezeDebtor, thawCovered } from '../db/frozen-wallets.js';
import { takenFromHeld } from './withdrawals.js';
import {
  changeWalletInVault,
  proposedHash,
  setExit,
  walletInVault,
  type VaultEvent,
  type VaultId,
} from '../db/vault-events.js';
import { baseUnitsOf } from '../domain/vault-units.js';

export interface BookedVault extends VaultId {
  /** Base units in one unit of its token. */
  scale: bigint;
  /** Base units: a wallet's deposits wait until they come to this much. */
  leastDeposit: bigint;
}

/** What was booked although it should have been impossible; somebody has to look into it. */
export type VaultAlarm = 'overdrawn' | 'foreign_settlement' | 'settlements_stopped' | 'void_executed';

/** The account of what a vault holds for us. */
export const vaultAccount = ({ chainId, vault }: VaultId) => `${chainId}/${vault}`;

/** The key under which an event is booked, once. */
const keyOf = ({ chainId }: VaultId, { txHash, logIndex }: Pick<VaultEvent, 'txHash' | 'logIndex'>) =>
  `chain/${chainId}/${txHash}/${logIndex}`;

/** An event’s wallet: an argument that every event of it has. */
const walletOf = (event: VaultEvent, name: string) => (event.args[name] ?? '').toLowerCase();

/**
 * Books what final events of a vault say, in their order. Call it in the transaction that writes them down. What the
 * chain did has happened: it is booked even where the ledger says that it cannot be, and that is an alarm.
 */
export async function bookVaultEvents(
  tx: Queryable,
  vault: BookedVault,
  events: readonly VaultEvent[],
): Promise<VaultAlarm[]> {
  const executed = numbersOf('BatchExecuted', events);
  // Whoever cuts a settlement locks accounts after this, too.
  if (executed.length > 0 || numbersOf('BatchProposed', events).length > 0) await lockBatches(tx, vault);
  const payees = executed.length === 0 ? [] : await payeesOfBatches(tx, vault, executed);
  // All accounts at once, in the order in which every booking locks: one after the other could wait crosswise.
  await lockAccounts(tx, [...events.flatMap((event) => touched(vault, event)), ...payees.flatMap(touchedOfPayee)]);
  const alarms: VaultAlarm[] = [];
  for (const event of depositsTogether(events)) alarms.push(...(await bookEvent(tx, vault, event)));
  return alarms;
}

const numbersOf = (event: string, events: readonly VaultEvent[]) =>
  events.filter(({ name }) => name === event).map(({ args }) => Number(args['number']));

/** What a transaction deposits for a wallet counts as one deposit, in the place of its first: anybody can make a thousand. */
function depositsTogether(events: readonly VaultEvent[]): VaultEvent[] {
  const sums = new Map<string, bigint>();
  const nameOf = (event: VaultEvent) => `${event.txHash} ${walletOf(event, 'customer')}`;
  const isDeposit = ({ name }: VaultEvent) => name === 'Deposited';
  for (const event of events.filter(isDeposit))
    sums.set(nameOf(event), (sums.get(nameOf(event)) ?? 0n) + BigInt(event.args['amount']!));
  return events.flatMap((event) => {
    const sum = isDeposit(event) ? sums.get(nameOf(event)) : undefined;
    if (sum === undefined) return isDeposit(event) ? [] : [event];
    sums.delete(nameOf(event));
    return [{ ...event, args: { ...event.args, amount: sum.toString() } }];
  });
}

function touched(vault: VaultId, event: VaultEvent): Omit<Line, 'amount'>[] {
  const from = payerOf(event);
  const house = { kind: 'vault', owner: vaultAccount(vault) } as const;
  if (event.name === 'Withdrawn') return [from!, { kind: 'withdrawing', owner: from!.owner }, house];
  if (from !== undefined) return [from, house];
  return event.name === 'Deposited' ? [{ kind: 'customer', owner: walletOf(event, 'customer') }, house] : [];
}

const touchedOfPayee = (owner: string): Omit<Line, 'amount'>[] =>
  (['provider', 'in_batch', 'payable'] as const).map((kind) => ({ kind, owner }));

/** Who has less when tokens leave the vault. */
function payerOf(event: VaultEvent): Omit<Line, 'amount'> | undefined {
  if (event.name === 'Withdrawn') return { kind: 'customer', owner: walletOf(event, 'customer') };
  if (event.name === 'EarningsWithdrawn') return { kind: 'payable', owner: walletOf(event, 'payee') };
  return event.name === 'FeesSwept' ? { kind: 'fees', owner: '' } : undefined;
}

async function bookEvent(tx: Queryable, vault: BookedVault, event: VaultEvent): Promise<VaultAlarm[]> {
  const customer = walletOf(event, 'customer');
  const base = (name: string) => baseUnitsOf(BigInt(event.args[name] ?? 0), vault.scale);
  switch (event.name) {
    case 'Deposited':
      await bookDeposit(tx, vault, event, base('amount'));
      return [];
    case 'CapRaised':
      await changeWalletInVault(tx, vault, customer, { cap: base('cap') });
      await forgetPermit(tx, vault, customer, base('cap'));
      await thawCovered(tx, vault, customer);
      return [];
    case 'ExitRequested':
      await setExit(tx, vault, customer, Number(event.args['exitAt']));
      return [];
    case 'ExitCancelled':
    case 'Exited':
      await setExit(tx, vault, customer, undefined);
      return [];
    case 'Withdrawn': {
      const alarms = await bookWithdrawal(tx, vault, event, base('amount'));
      await freezeDebtor(tx, vault, customer);
      return alarms;
    }
    case 'BatchProposed':
      return (await stopForProposal(tx, vault, event)) ? ['settlements_stopped'] : [];
    case 'BatchExecuted':
      return await bookExecuted(tx, vault, Number(event.args['number']));
    case 'EarningsWithdrawn':
    case 'FeesSwept':
      return await bookOutflow(tx, vault, event, base('amount'));
    default:
      return [];
  }
}

/** Books a deposit, together with what of the wallet waited; or lets it wait, too. */
async function bookDeposit(tx: Queryable, vault: BookedVault, event: VaultEvent, amount: bigint): Promise<void> {
  const wallet = walletOf(event, 'customer');
  const waiting = await changeWalletInVault(tx, vault, wallet, { deposited: amount, waiting: amount });
  if (waiting < vault.leastDeposit) return;
  await bookWaiting(tx, vault, wallet, { waiting, key: keyOf(vault, event), reference: event.txHash });
  await thawCovered(tx, vault, wallet);
}

/** Books all that waits of a wallet, in one entry however many deposits it was. */
async function bookWaiting(
  tx: Queryable,
  vault: BookedVault,
  wallet: string,
  { waiting, key, reference }: { waiting: bigint; key: string; reference: string },
): Promise<void> {
  if (waiting === 0n) return;
  await postEntry(tx, {
    ...{ key, kind: 'deposit', note: { wallet, reference } },
    lines: [
      { kind: 'customer', owner: wallet, amount: waiting },
      { kind: 'vault', owner: vaultAccount(vault), amount: -waiting },
    ],
  });
  await changeWalletInVault(tx, vault, wallet, { waiting: -waiting });
}

/** Only what this broker cut is booked; of anything else nobody knows here whose money it moved. */
async function bookExecuted(tx: Queryable, vault: BookedVault, number: number): Promise<VaultAlarm[]> {
  const batch = await findBatch(tx, vault, number);
  const hash = await proposedHash(tx, vault, number);
  if (batch === undefined || batch.hash !== hash || batch.voidReason === 'foreign') return ['foreign_settlement'];
  if (batch.status === 'void') return (await bookLateExecution(tx, vault, number)) ? ['void_executed'] : [];
  await bookFinal(tx, vault, number);
  return [];
}

/** Takes what left the vault of what was held for it, and the rest, as after an exit, of what is free. */
async function bookWithdrawal(
  tx: Queryable,
  vault: BookedVault,
  event: VaultEvent,
  amount: bigint,
): Promise<VaultAlarm[]> {
  const customer = walletOf(event, 'customer');
  // Whatever its size: it may be part of what is leaving, and would be a debt otherwise.
  const { waiting } = await walletInVault(tx, vault, customer);
  await bookWaiting(tx, vault, customer, { waiting, key: `${keyOf(vault, event)}/waited`, reference: event.txHash });
  const { held, ends } = await takenFromHeld(tx, vault, customer, amount);
  await changeWalletInVault(tx, vault, customer, { withdrawn: amount });
  if (ends !== undefined) await endWithdrawal(tx, ends, { status: 'taken' });
  return await bookOutflow(tx, vault, event, amount, held);
}

async function bookOutflow(
  tx: Queryable,
  vault: BookedVault,
  event: VaultEvent,
  amount: bigint,
  held = 0n,
): Promise<VaultAlarm[]> {
  const from = payerOf(event)!;
  const isOverdrawn = await allowToOwe(tx, from, amount - held);
  await postEntry(tx, {
    key: keyOf(vault, event),
    kind: 'withdrawn',
    note: { reference: event.txHash },
    lines: [
      { ...from, amount: held - amount },
      { kind: 'withdrawing', owner: from.owner, amount: -held },
      { kind: 'vault', owner: vaultAccount(vault), amount },
    ],
  });
  // A customer who leaves with what he owes is a debtor, and no riddle.
  return isOverdrawn && from.kind !== 'customer' ? ['overdrawn'] : [];
}
