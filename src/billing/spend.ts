import {
  countExtensions,
  findExtension,
  insertCharge,
  jobTariff,
  lockOrderCharge,
  settleCharges,
  type Charge,
} from '../db/auth-charges.js';
import { bookReservation, bookSettlement, limitsAfter, type Shares } from '../db/bookings.js';
import { findSession } from '../db/auth-sessions.js';
import { gapsOf } from '../db/job-gaps.js';
import { tellAlso } from '../db/job-events.js';
import { markExtended } from '../db/job-changes.js';
import { placementEndsBy } from '../db/offers.js';
import type { Queryable } from '../db/pool.js';
import { billedTime, reservationFor, type BilledTime } from '../domain/billing.js';
import { BrokerError } from '../domain/errors.js';
import { nearLimitNews, type NearLimit } from '../domain/spend-limits.js';
import { chargeFor } from '../wire/charge.js';

/** The key of an order's own charge; an extension's key is its request. */
const order = '';
/** A job that is extended more often is extended by mistake, or to fill the ledger. */
export const maxExtensions = 1_000;

/**
 * Reserves what a job may cost from the limit its wallet signed. Call it inside the transaction that inserts the job:
 * its errors have to undo that insert. Repeated for the same job, it does nothing.
 *
 * @param amount base units (10^-18 of a token); 0 is recorded too, so that the job can be extended and settled.
 * @returns the limits of which most is used since then.
 * @throws BrokerError `spend_limit_exceeded`, `monthly_cap_reached`, `session_revoked`, `session_expired`
 */
export async function reserveSpend(
  tx: Queryable,
  { jobId, sessionId, amount }: { jobId: string; sessionId: string; amount: bigint },
): Promise<NearLimit[]> {
  return await charge(tx, { jobId, requestId: order, sessionId, amount });
}

export interface Extension {
  jobId: string;
  requestId: string;
  seconds: number;
  /** From the start to the latest expiry that an extension may set. */
  maxDurationS: number;
  /** The session that pays; if absent, the one that ordered the job. */
  sessionId?: string | undefined;
}

/**
 * Extends a job: reserves what the added time may cost and moves the expiry, in one step of the caller's transaction. A
 * request moves the expiry only once, whatever happened to the workflow meanwhile; repeated, it returns the present
 * expiry. Extensions and the settlement of one job run one after the other.
 *
 * @returns the expiry that is stored.
 * @throws BrokerError `idempotency_conflict`, `extension_limit`, `duration_limit`, `job_not_running`, `job_ended`,
 * `spend_limit_exceeded`, `monthly_cap_reached`, `session_revoked`, `session_expired`
 */
export async function extendJob(tx: Queryable, extension: Extension): Promise<Date> {
  const { jobId, requestId, seconds, maxDurationS } = extension;
  if (requestId === order) throw new TypeError('an extension needs a request id');
  const first = await lockOrderCharge(tx, jobId);
  const tariff = await jobTariff(tx, jobId);
  const { startedAt, expiresAt } = tariff ?? {};
  if (startedAt === undefined || expiresAt === undefined)
    throw new BrokerError('job_not_running', 'the job does not run yet');
  const known = await findExtension(tx, jobId, requestId);
  if (known !== undefined) {
    requireSameSeconds(known, seconds);
    return expiresAt;
  }
  if (tariff?.status !== 'running' || first?.settled === true) throw new BrokerError('job_ended', 'the job has ended');
  if ((await countExtensions(tx, jobId)) >= maxExtensions) {
    throw new BrokerError('extension_limit', `a job may be extended ${maxExtensions} times; order another one`);
  }
  const lastExpiry = new Date(startedAt.getTime() + maxDurationS * 1000);
  if (expiresAt.getTime() + seconds * 1000 > lastExpiry.getTime()) {
    throw new BrokerError('duration_limit', `the job may last until ${lastExpiry.toISOString()} at most`);
  }
  const offeredUntil = await placementEndsBy(tx, jobId);
  if (offeredUntil !== undefined && expiresAt.getTime() + seconds * 1000 > offeredUntil.getTime()) {
    throw new BrokerError('duration_limit', `the provider offers its machine until ${offeredUntil.toISOString()}`);
  }
  const amount = reservationFor(tariff.rate ?? 0n, seconds);
  const sessionId = extension.sessionId ?? first?.sessionId;
  if (sessionId === undefined) throw new BrokerError('spend_limit_exceeded', 'no session pays for this job');
  const near = await charge(tx, { jobId, requestId, sessionId, amount, seconds });
  const extendedTo = await markExtended(tx, jobId, seconds);
  await tellAlso(tx, jobId, near.map(nearLimitNews));
  return extendedTo;
}

/**
 * Requires that a repeated request asks for the same time as the first one.
 *
 * @throws BrokerError `idempotency_conflict`
 */
export function requireSameSeconds(known: { seconds?: number }, seconds: number): void {
  if (known.seconds === undefined || known.seconds === seconds) return;
  throw new BrokerError(
    'idempotency_conflict',
    `the key was used for an extension by ${known.seconds} s, and this one is by ${seconds} s: use another key`,
  );
}

/** When a job ended, as far as known; see `ServiceFacts`. */
interface ServiceEnd {
  jobId: string;
  endAt: Date;
  podEndedAt?: Date | undefined;
  lastSeen?: Date | undefined;
}

/** What the settlement of a job came to. Amounts are base units. */
export interface Settlement extends Shares {
  billed: BilledTime;
  /** What all its charges had reserved. */
  reserved: bigint;
  rate: bigint;
  feeBps: number;
  providerId?: string;
  /** The proven wallet of its provider; absent if what it earned waits for one. */
  payee?: string;
}

/**
 * Settles a job's charges and books them: what it cost moves from reserved to spent, and the rest is free again. Never
 * more than was reserved, whatever any clock says. Repeated, it does nothing. The customer's account in the ledger stays
 * locked until the transaction ends.
 *
 * @returns `undefined` if nothing was left to settle.
 */
export async function settleSpend(
  tx: Queryable,
  { jobId, endAt, podEndedAt, lastSeen }: ServiceEnd,
): Promise<Settlement | undefined> {
  // The same lock as an extension takes, and taken first: no charge can be added to those settled below.
  await lockOrderCharge(tx, jobId);
  const tariff = await jobTariff(tx, jobId);
  const { rate = 0n, startedAt, expiresAt = endAt, feeBps = 0, providerId, payee } = tariff ?? {};
  const billed = billedTime({
    readyAtMs: startedAt?.getTime(),
    expiresAtMs: expiresAt.getTime(),
    endAtMs: endAt.getTime(),
    podEndedAtMs: podEndedAt?.getTime(),
    lastSeenMs: lastSeen?.getTime(),
    gaps: await gapsOf(tx, jobId),
  });
  const charges = await settleCharges(tx, jobId, chargeFor(rate, billed.billedMs));
  if (charges.length === 0) return undefined;
  const paid = {
    feeBps,
    ...(providerId === undefined ? {} : { providerId }),
    ...(payee === undefined ? {} : { payee }),
  };
  const shares = await bookSettlement(tx, jobId, charges, paid);
  const reserved = charges.reduce((sum, charge) => sum + charge.reserved, 0n);
  return { ...shares, ...paid, billed, reserved, rate };
}

async function charge(tx: Queryable, entry: Charge): Promise<NearLimit[]> {
  if (entry.amount < 0n) throw new RangeError('a charge cannot be negative');
  const { outcome, paid } = await insertCharge(tx, entry);
  if (paid !== undefined) {
    await bookReservation(tx, { ...entry, wallet: paid.wallet });
    return await limitsAfter(tx, paid, { session: entry.amount, ledger: entry.amount });
  }
  if (outcome !== 'refused') return [];
  const session = await findSession(tx, entry.sessionId);
  if (session === undefined || session.revokedAt !== undefined) {
    throw new BrokerError('session_revoked', 'the session that would pay was revoked');
  }
  if (session.expiresAt.getTime() <= Date.now()) {
    throw new BrokerError('session_expired', 'the session that would pay has expired');
  }
  const remaining = session.spendLimit - session.reserved - session.spent;
  throw new BrokerError(
    'spend_limit_exceeded',
    `this costs up to ${entry.amount} base units and ${remaining} are left`,
    {
      required: entry.amount.toString(),
      remaining: remaining.toString(),
      spend_limit: session.spendLimit.toString(),
    },
  );
}
