import { lockOrderCharge } from '../db/auth-charges.js';
import { payeeAccount } from '../db/bookings.js';
import { claimEarnings, lastClaimant } from '../db/claims.js';
import { bookedOfJob, type JobBookings } from '../db/job-bookings.js';
import { lockAccount, postEntry, type Line } from '../db/ledger.js';
import type { Queryable } from '../db/pool.js';
import { writeRefundReceipt } from './receipts.js';
import { bookCharges } from '../db/unbooked.js';
import { BrokerError } from '../domain/errors.js';
import { feeFor } from '../wire/charge.js';

export interface Refund {
  jobId: string;
  /** Base units. */
  amount: bigint;
  reason: string;
  /** The operator's wallet. */
  by: string;
  /** Names the request: repeated, it refunds once. */
  requestKey: string;
}

/** What a job's charge comes to after its refunds. Base units. */
export interface RefundedJob {
  /** 1 for the first refund of the job. */
  revision: number;
  wallet: string;
  amount: bigint;
  /** What remains, all refunds taken off. */
  charged: bigint;
  fee: bigint;
  earned: bigint;
  /** Whether an earlier call had done it. */
  isRepeat: boolean;
}

/**
 * Gives a customer back a part of what a job cost, or all of it. The provider and the platform return what they had of
 * that part; a provider that has been paid out already owes it, and later earnings pay it off. The customer's account
 * stays locked until the transaction ends.
 *
 * @throws BrokerError `job_not_found`, `refund_exceeds_charge`, `idempotency_conflict`
 */
export async function refundJob(tx: Queryable, refund: Refund): Promise<RefundedJob> {
  const { jobId, amount, reason, by, requestKey } = refund;
  if (amount <= 0n) throw new RangeError('a refund gives something back');
  if ((await lockOrderCharge(tx, jobId)) === undefined)
    throw new BrokerError('job_not_found', 'no such job was paid for');
  await bookCharges(tx, jobId);
  const booked = await bookedOfJob(tx, jobId);
  if (booked === undefined) {
    throw new BrokerError('refund_exceeds_charge', 'the job has not ended, so that nothing was charged yet');
  }
  const earlier = booked.refunds.find(({ note }) => note['request'] === requestKey);
  if (earlier !== undefined) {
    if (earlier.amount === amount && earlier.note['reason'] === reason)
      return refundedJob(booked, earlier.revision, amount, true);
    const which = `a refund of ${earlier.amount} base units, for the reason “${String(earlier.note['reason'])}”`;
    throw new BrokerError('idempotency_conflict', `the key was used for ${which}`);
  }
  // Before the provider's account, as every booking does: the end of another job of theirs would wait crosswise.
  await lockAccount(tx, 'customer', booked.wallet);
  const { fee, earned } = sharesAfter(booked, booked.refunds.length);
  const before = fee + earned;
  if (amount > before) {
    throw new BrokerError('refund_exceeds_charge', `the job cost ${before} base units that were not refunded`, {
      charged: booked.charged.toString(),
      refunded: (booked.charged - before).toString(),
    });
  }
  const revision = booked.refunds.length + 1;
  const feeBack = fee - feeFor(before - amount, booked.feeBps);
  const lines: Line[] = [
    { kind: 'customer', owner: booked.wallet, amount },
    { ...(await payerOf(tx, booked, amount - feeBack)), amount: feeBack - amount },
    ...(feeBack === 0n ? [] : [{ kind: 'fees' as const, owner: '', amount: -feeBack }]),
  ];
  const note = { reason, by, request: requestKey };
  await postEntry(tx, { key: `refund/${jobId}/${revision}`, kind: 'refund', jobId, note, lines });
  await writeRefundReceipt(tx, { jobId, revision, charged: before - amount });
  return refundedJob({ ...booked, refunds: [...booked.refunds, { revision, amount, note }] }, revision, amount, false);
}

/** What the platform and the provider have of a job after so many of its refunds. */
function sharesAfter({ charged, feeBps, refunds }: JobBookings, count: number): { fee: bigint; earned: bigint } {
  const left = refunds.slice(0, count).reduce((sum, { amount }) => sum - amount, charged);
  const fee = feeFor(left, feeBps);
  return { fee, earned: left - fee };
}

function refundedJob(booked: JobBookings, revision: number, amount: bigint, isRepeat: boolean): RefundedJob {
  const { fee, earned } = sharesAfter(booked, revision);
  return { revision, wallet: booked.wallet, amount, charged: fee + earned, fee, earned, isRepeat };
}

/** The account that has what the provider earned: that of the wallet which has claimed it meanwhile, perhaps. */
async function payerOf(tx: Queryable, { payee, providerId }: JobBookings, amount: bigint) {
  if (payee !== undefined) return payeeAccount(payee, providerId);
  await claimEarnings(tx, providerId);
  if ((await lockAccount(tx, 'unclaimed', providerId)) >= amount) return payeeAccount(undefined, providerId);
  return payeeAccount(await lastClaimant(tx, providerId), providerId);
}
