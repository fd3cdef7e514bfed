import { isCrossed, type NearLimit } from '../domain/spend-limits.js';
import { reserveForPlacement, type JobTariff, type PaidBy, type SettledCharge } from './auth-charges.js';
import { allowToOwe, postEntry, type AccountKind, type Line } from './ledger.js';
import type { Queryable } from './pool.js';
import { requireFunds } from './prepaid.js';
import { requireWithinCap } from './spending-caps.js';
import { feeFor } from '../wire/charge.js';

// What a job's steps book, each in the transaction of the step. Reservations are a wallet's own money in another account
// of it; a settlement is the one booking that pays anybody.

/** Says of an entry that it was booked after the fact, because a version that does not book wrote the fact. */
export const backfilled = { backfilled: true };

interface Reservation {
  jobId: string;
  /** '' of the order, otherwise of an extension. */
  requestId: string;
  wallet: string;
  amount: bigint;
}

/**
 * Books what an order or an extension holds, which is a promise of service: a wallet that pays in advance must have the
 * money. What holds nothing books nothing.
 *
 * @throws BrokerError `insufficient_funds`, `exit_pending`: the caller must roll back.
 */
export async function bookReservation(tx: Queryable, reservation: Reservation): Promise<void> {
  await requireFunds(tx, reservation.wallet, reservation.amount);
  await postReservation(tx, reservation, {});
}

/** Books what a version that does not book has promised, or delivered already: nothing of it can be refused any more. */
export async function backfillReservation(tx: Queryable, reservation: Reservation): Promise<void> {
  if (reservation.amount > 0n) await mayOwe(tx, reservation.wallet, reservation.amount);
  await postReservation(tx, reservation, backfilled);
}

async function postReservation(tx: Queryable, { jobId, requestId, wallet, amount }: Reservation, note: object) {
  if (amount === 0n) return;
  const lines = moved(wallet, amount);
  await postEntry(tx, { key: `reserve/${jobId}/${requestId}`, kind: 'reserve', jobId, note: { ...note }, lines });
}

const mayOwe = (tx: Queryable, wallet: string, amount: bigint) =>
  allowToOwe(tx, { kind: 'customer', owner: wallet }, amount);

/**
 * Adjusts the reservation of a job's order to the price at its placement, and books the change. A job without an open
 * charge is not paid for.
 *
 * @returns the limits of which most is used since then; undefined when that of the session that pays is too low.
 * @throws BrokerError `monthly_cap_reached`, `insufficient_funds`, `exit_pending`: the caller must roll back.
 */
export async function reserveAtPlacement(
  tx: Queryable,
  { jobId, attempt, amount }: { jobId: string; attempt: number; amount: bigint },
): Promise<NearLimit[] | undefined> {
  const reservation = await reserveForPlacement(tx, jobId, amount);
  if (reservation === 'refused') return undefined;
  if (reservation === 'not paid for') return [];
  const { wallet, before, booked } = reservation;
  if (booked === undefined) await backfillReservation(tx, { jobId, requestId: '', wallet, amount: before });
  const change = amount - (booked ?? before);
  // Also where nothing is added: the wallet may have taken its money away since it ordered.
  await requireFunds(tx, wallet, change);
  if (change !== 0n) {
    await postEntry(tx, { key: `trim/${jobId}/${attempt}`, kind: 'trim', jobId, lines: moved(wallet, change) });
  }
  return await limitsAfter(tx, reservation, { session: amount - before, ledger: change });
}

/**
 * Looks at the limits of whoever has just reserved more, after it was booked.
 *
 * @param added base units that the reservation added to what the session and what the ledger has reserved, which differ
 *   where a version without a ledger changed it before. Nothing is refused that adds nothing.
 * @returns the limits of which most is used since then.
 * @throws BrokerError `monthly_cap_reached`: the caller must roll back.
 */
export async function limitsAfter(
  tx: Queryable,
  { wallet, limit, used }: PaidBy,
  added: { session: bigint; ledger: bigint },
): Promise<NearLimit[]> {
  const session: NearLimit = { limit: 'session', amount: limit, used };
  const isNear = isCrossed(limit, used - added.session, used);
  return [...(isNear ? [session] : []), ...(await requireWithinCap(tx, wallet, added.ledger))];
}

/** Moves money of a wallet to what is reserved of it. */
export function moved(wallet: string, amount: bigint): Line[] {
  return [
    { kind: 'customer', owner: wallet, amount: -amount },
    { kind: 'reserved', owner: wallet, amount },
  ];
}

/**
 * Books what an older version changed of a reservation that had been booked: it was promised then, and cannot be refused.
 * Which placement it was is not known any more, so the key counts the entries of the job.
 */
export async function bookLateChange(tx: Queryable, jobId: string, wallet: string, change: bigint): Promise<void> {
  const { rows } = await tx.query<{ entries: number }>(
    'select count(*)::int as entries from ledger_entries where job_id = $1',
    [jobId],
  );
  const key = `trim/${jobId}/late/${rows[0]!.entries}`;
  if (change > 0n) await mayOwe(tx, wallet, change);
  await postEntry(tx, { key, kind: 'trim', jobId, note: backfilled, lines: moved(wallet, change) });
}

/** How a charge is shared. Base units. */
export interface Shares {
  charged: bigint;
  fee: bigint;
  earned: bigint;
}

/**
 * Books the end of a job: what it cost goes from its reservations to its provider and the platform, the rest back to the
 * customer. Where the charge is 0, it all goes back.
 */
export async function bookSettlement(
  tx: Queryable,
  jobId: string,
  charges: readonly SettledCharge[],
  { feeBps, payee, providerId }: Pick<JobTariff, 'feeBps' | 'payee' | 'providerId'>,
  note = {},
): Promise<Shares> {
  for (const { requestId, wallet, reserved, booked } of charges) {
    if (booked === undefined) await backfillReservation(tx, { jobId, requestId, wallet, amount: reserved });
    // Else a raised reservation would pay more than the ledger holds for it, out of what other jobs have reserved.
    else if (booked !== reserved) await bookLateChange(tx, jobId, wallet, reserved - booked);
  }
  const charged = charges.reduce((sum, { spent }) => sum + spent, 0n);
  const fee = feeFor(charged, feeBps);
  const shares = { charged, fee, earned: charged - fee };
  const lines: Line[] = charges.flatMap(({ wallet, reserved, spent }) => [
    // Also where nothing goes back: the customer's account is the lock for all that is numbered by customer.
    { kind: 'customer', owner: wallet, amount: reserved - spent },
    { kind: 'reserved', owner: wallet, amount: -reserved },
  ]);
  if (shares.earned > 0n) lines.push({ ...payeeAccount(payee, providerId), amount: shares.earned });
  if (fee > 0n) lines.push({ kind: 'fees', owner: '', amount: fee });
  await postEntry(tx, { key: `settle/${jobId}`, kind: 'settle', jobId, note, lines });
  return shares;
}

/** Nobody is paid on an address that is only claimed: until a provider's wallet is proven, its earnings wait. */
export function payeeAccount(
  payee: string | undefined,
  providerId: string | undefined,
): { kind: AccountKind; owner: string } {
  return payee === undefined ? { kind: 'unclaimed', owner: providerId ?? '' } : { kind: 'provider', owner: payee };
}
