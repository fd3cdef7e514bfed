import { isCrossed, type NearLimit } from '../domain/spend-limits.js';
import { reserveForPlacement, type JobTariff, type PaidBy, type SettledCharge } from './auth-charges.js';
import { postEntry, type AccountKind, type Line } from './ledger.js';
import type { Queryable } from './pool.js';
import { requireFunds } from './prepaid.js';
import { requireWithinCap } from './spending-caps.js';
import { feeFor } from '../wire/charge.js';

// What a job's steps book, each in the transaction of the step. Reservations are a wallet's own money in another account
// of it; a settlement is the one booking that pays anybody.

/** Says of an entry that it was booked after the fact, because a version that does not book wrote the fact. */
export const backfilled = { backfilled: true };

/** Books what an order ('') or an extension holds. An order that holds nothing books nothing. */
export async function bookReservation(
  tx: Queryable,
  { jobId, requestId, wallet, amount }: { jobId: string; requestId: string; wallet: string; amount: bigint },
  note = {},
): Promise<void> {
  if (amount === 0n) return;
  await requireFunds(tx, wallet, amount);
  const lines = moved(wallet, amount);
  await postEntry(tx, { key: `reserve/${jobId}/${requestId}`, kind: 'reserve', jobId, note, lines });
}

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
  if (booked === undefined) await bookReservation(tx, { jobId, requestId: '', wallet, amount: before }, backfilled);
  const change = amount - (booked ?? before);
  if (change !== 0n) {
    await requireFunds(tx, wallet, change);
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
 * Books what an older version changed of a reservation that had been booked. Which placement it was is not known any more,
 * so the key counts the entries of the job.
 */
export async function bookLateChange(tx: Queryable, jobId: string, wallet: string, change: bigint): Promise<void> {
  const { rows } = await tx.query<{ entries: number }>(
    'select count(*)::int as entries from ledger_entries where job_id = $1',
    [jobId],
  );
  const key = `trim/${jobId}/late/${rows[0]!.entries}`;
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
    if (booked === undefined) await bookReservation(tx, { jobId, requestId, wallet, amount: reserved }, backfilled);
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
