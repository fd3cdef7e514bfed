import { insertCharge, jobTariff, lockOrderCharge, settleCharges } from '../db/auth-charges.js';
import { findSession } from '../db/auth-sessions.js';
import type { Queryable } from '../db/pool.js';
import { BrokerError } from '../domain/errors.js';
import { toBaseUnits } from '../domain/pricing.js';

/** The charge of a job's order among its charges; extensions are named by their request. */
const order = '';

/**
 * Reserves what a job may cost from the limit its wallet signed. Call it inside the transaction that inserts the job:
 * what it throws has to undo that insert. Repeated for the same job, it does nothing.
 *
 * @param amount base units (10^-18 of a token); 0 is written down too, so that the job can be extended and settled.
 * @throws BrokerError `spend_limit_exceeded`, `session_revoked`, `session_expired`
 */
export async function reserveSpend(
  tx: Queryable,
  { jobId, sessionId, amount }: { jobId: string; sessionId: string; amount: bigint },
): Promise<void> {
  await charge(tx, { jobId, requestId: order, sessionId, amount });
}

/**
 * Reserves what an extension may cost, once per `requestId`. The session that ordered the job pays, or `sessionId`
 * when given.
 *
 * @throws BrokerError `spend_limit_exceeded`, `job_ended`, `session_revoked`, `session_expired`
 */
export async function reserveExtension(
  tx: Queryable,
  extension: {
    jobId: string;
    requestId: string;
    seconds: number;
    pricePerHour: number;
    sessionId?: string | undefined;
  },
): Promise<void> {
  const { jobId, requestId, seconds, pricePerHour } = extension;
  if (requestId === order) throw new TypeError('an extension needs a request id');
  const amount = toBaseUnits(pricePerHour, seconds);
  const first = await lockOrderCharge(tx, jobId);
  if (first?.settled === true) throw new BrokerError('job_ended', 'the job was settled already');
  const sessionId = extension.sessionId ?? first?.sessionId;
  if (sessionId === undefined) {
    if (amount === 0n) return;
    throw new BrokerError('spend_limit_exceeded', 'no session pays for this job');
  }
  await charge(tx, { jobId, requestId, sessionId, amount });
}

/**
 * Closes the account of a job: what it cost from its start until `servedUntil` moves from reserved to spent, the rest
 * is free again. Never more than was reserved, whatever the clock says. Repeated, it does nothing.
 *
 * @returns base units spent by this call; `undefined` when there was nothing to settle (any more).
 */
export async function settleSpend(
  tx: Queryable,
  { jobId, servedUntil }: { jobId: string; servedUntil: Date },
): Promise<bigint | undefined> {
  // The same lock as an extension takes, and first: what is settled below is then all there will be.
  await lockOrderCharge(tx, jobId);
  const tariff = await jobTariff(tx, jobId);
  const { settled, spent } = await settleCharges(tx, jobId, costOf(tariff, servedUntil));
  return settled ? spent : undefined;
}

function costOf(tariff: { pricePerHour?: number; startedAt?: Date } | undefined, servedUntil: Date): bigint {
  if (tariff?.startedAt === undefined || tariff.pricePerHour === undefined) return 0n;
  const seconds = (servedUntil.getTime() - tariff.startedAt.getTime()) / 1000;
  return seconds > 0 ? toBaseUnits(tariff.pricePerHour, seconds) : 0n;
}

async function charge(tx: Queryable, entry: Parameters<typeof insertCharge>[1]): Promise<void> {
  if (entry.amount < 0n) throw new RangeError('a charge cannot be negative');
  if ((await insertCharge(tx, entry)) !== 'refused') return;
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
