import type { Pool } from 'pg';
import { z } from 'zod';
import { recordPayment, recordPayout, type BookedByHand, type ByHand } from '../../billing/by-hand.js';
import { refundJob, type RefundedJob } from '../../billing/refund.js';
import { writeOffDebt } from '../../billing/bad-debt.js';
import { recordAudit } from '../../db/audit-log.js';
import { jobTariff } from '../../db/auth-charges.js';
import { readLedgerChecks } from '../../db/ledger-checks.js';
import { withTransaction, type Queryable, type Transaction } from '../../db/pool.js';
import { readCreditors } from '../../db/payouts.js';
import { readDebtors, readRevenue, readStanding } from '../../db/revenue.js';
import { countUnbooked, listUnbookable } from '../../db/unbooked.js';
import { BrokerError } from '../../domain/errors.js';
import { printableText } from '../../domain/printable.js';
import { isUuid } from '../../domain/uuid.js';
import { address } from '../../wire/shapes.js';
import { actorOf } from '../audited.js';
import { validationFailed } from '../problem.js';
import { requestKeyOf } from '../request-key.js';
import type { RouteRule } from '../route.js';
import { rangeFields, rangeOf } from '../schemas/bill.js';
import { csvOfRevenue, revenueReply, revenueReplyOf } from '../schemas/money.js';
import { prefersCsv, sendCsv } from '../send-csv.js';
import { chargeFor } from '../../wire/charge.js';

const maxRows = 1_000;
const maxDebtors = 100;
const maxUnbookable = 100;
const countedUnbooked = 1_000_000;
/** As on chain: no account holds more. */
const maxAmount = 2n ** 128n - 1n;

const amount = z
  .string()
  .regex(/^[1-9]\d{0,38}$/, {
    error: 'must be a whole number of base units above 0 and below 2^128, as a string',
    abort: true,
  })
  .refine((text) => BigInt(text) <= maxAmount, 'must be below 2^128')
  .describe('Base units');
const requestKey = z.object({
  'idempotency-key': z
    .string({ error: 'is required: a repeat with the same key and body books nothing again' })
    .regex(/^[\x21-\x7e](?:[\x20-\x7e]{0,253}[\x21-\x7e])?$/, 'must be 1 to 255 printable ASCII characters')
    .describe('A repeat with the same key and the same body books nothing again'),
});

const revenueQuery = rangeFields.omit({ limit: true, cursor: true }).extend({
  by: z.enum(['day', 'provider', 'gpu_type']).default('day').describe('What each row is of'),
});

const refundBody = z.strictObject({
  amount: amount.optional(),
  seconds: z.int().min(1).max(31_536_000).optional().describe('Instead of `amount`: what this time of the job costs'),
  reason: printableText(500).min(1).describe('Why; the customer reads it'),
});
const byHandBody = z.strictObject({
  wallet: address,
  amount,
  reference: printableText(200).min(1).describe('Where to look it up: of a bank, an exchange or a chain'),
});

const units = z.string().regex(/^-?\d+$/);
const refundReply = z
  .object({
    job_id: z.string(),
    revision: z.int().describe('1 for the first refund of the job'),
    wallet: z.string(),
    refunded: units.describe('By this request'),
    charged: units.describe('What the job costs now'),
    fee: units,
    earned: units,
  })
  .meta({ id: 'Refund' });
const byHandReply = z
  .object({
    id: z.string(),
    wallet: z.string(),
    amount: units,
    balance: units.describe(
      'Of the wallet afterwards: of a provider what is to be paid out, of a customer what is free',
    ),
  })
  .meta({ id: 'BookedByHand' });

const writeOffBody = z.strictObject({
  wallet: address,
  reason: printableText(500).min(1).describe('Why; it stays in the books'),
});
const writeOffReply = z
  .object({
    id: z.string(),
    wallet: z.string(),
    written_off: units.describe('Base units; 0 if it owed nothing'),
    was_frozen: z.boolean().describe('It can order again now'),
  })
  .meta({ id: 'DebtWrittenOff' });

/** The platform's books, and what operators write into them. */
export function adminMoneyRoutes({ pool }: { pool: Pool }): RouteRule[] {
  return [revenueRoute(pool), refundRoute(pool), ...byHandRoutes(pool), writeOffRoute(pool)];
}

function revenueRoute(pool: Pool): RouteRule {
  return {
    ...{ method: 'GET', auth: 'signed', scopes: ['admin'], limit: 'read' },
    path: '/api/v1/admin/revenue',
    summary: 'What was charged and kept, what is owed to whom, and whether the books agree; rows also as `text/csv`',
    request: { query: revenueQuery },
    responses: { 200: { description: 'By when it was booked', schema: revenueReply, alsoAs: ['text/csv'] } },
    errors: [],
    handler: async (ctx) => {
      const { by, from, to } = ctx.state.query as z.output<typeof revenueQuery>;
      const range = rangeOf({ ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) });
      const rows = await readRevenue(pool, { by, ...range, limit: maxRows });
      if (prefersCsv(ctx)) return sendCsv(ctx, csvOfRevenue(rows, by), 'revenue', range);
      const [standing, debtors, creditors, checks, unbooked, unbookable] = await Promise.all([
        readStanding(pool),
        readDebtors(pool, maxDebtors),
        readCreditors(pool, maxDebtors),
        readLedgerChecks(pool),
        countUnbooked(pool, countedUnbooked),
        listUnbookable(pool, maxUnbookable),
      ]);
      ctx.body = revenueReplyOf(
        { by, ...range },
        rows,
        standing,
        { debtors, creditors },
        { ...checks, unbooked, unbookable },
      );
    },
  };
}

function refundRoute(pool: Pool): RouteRule {
  return {
    ...{ method: 'POST', auth: 'signed', scopes: ['admin'], limit: 'write' },
    path: '/api/v1/admin/jobs/:id/refunds',
    summary: 'Give a customer back a part of what a job cost, or all of it',
    request: { body: refundBody, headers: requestKey },
    responses: { 201: { description: 'It is booked', schema: refundReply } },
    errors: ['job_not_found', 'refund_exceeds_charge', 'idempotency_conflict'],
    handler: async (ctx) => {
      const jobId = ctx.state.params['id']!.toLowerCase();
      const { reason, ...asked } = ctx.state.body as z.output<typeof refundBody>;
      if (!isUuid(jobId)) throw new BrokerError('job_not_found', 'there is no job with this id');
      const by = actorOf(ctx);
      const done = await withTransaction(pool, async (tx) => {
        const refund = {
          jobId,
          amount: await amountOf(tx, jobId, asked),
          reason,
          by: by.actor,
          requestKey: requestKeyOf(ctx),
        };
        const refunded = await refundJob(tx, refund);
        if (!refunded.isRepeat) {
          const detail = { amount: refund.amount.toString(), reason, wallet: refunded.wallet };
          await recordAudit(tx, { ...by, action: 'job.refund', target: jobId, detail });
        }
        return refunded;
      });
      ctx.status = 201;
      ctx.body = refundReplyOf(jobId, done);
    },
  };
}

/** @throws BrokerError `validation_failed` for both or neither, or for a time that costs nothing. */
async function amountOf(
  db: Queryable,
  jobId: string,
  { amount: text, seconds }: Pick<z.output<typeof refundBody>, 'amount' | 'seconds'>,
): Promise<bigint> {
  if ((text === undefined) === (seconds === undefined)) {
    throw validationFailed([{ field: 'amount', message: 'give either amount or seconds' }]);
  }
  if (text !== undefined) return BigInt(text);
  const found = chargeFor((await jobTariff(db, jobId))?.rate ?? 0n, seconds! * 1_000);
  if (found > 0n) return found;
  throw validationFailed([{ field: 'seconds', message: 'costs nothing at this job’s rate' }]);
}

function refundReplyOf(jobId: string, { revision, wallet, amount: refunded, charged, fee, earned }: RefundedJob) {
  return {
    ...{ job_id: jobId, revision, wallet, refunded: refunded.toString() },
    ...{ charged: charged.toString(), fee: fee.toString(), earned: earned.toString() },
  } satisfies z.infer<typeof refundReply>;
}

function byHandRoutes(pool: Pool): RouteRule[] {
  const route = (
    path: string,
    summary: string,
    action: string,
    errors: RouteRule['errors'],
    record: (tx: Transaction, booking: ByHand) => Promise<BookedByHand>,
  ): RouteRule => ({
    ...{ method: 'POST', auth: 'signed', scopes: ['admin'], limit: 'write' },
    ...{ path, summary, errors: [...errors, 'idempotency_conflict'] },
    request: { body: byHandBody, headers: requestKey },
    responses: { 201: { description: 'It is booked', schema: byHandReply } },
    handler: async (ctx) => {
      const { wallet, amount: text, reference } = ctx.state.body as z.output<typeof byHandBody>;
      const by = actorOf(ctx);
      const done = await withTransaction(pool, async (tx) => {
        const booking = { wallet, amount: BigInt(text), reference, by: by.actor, requestKey: requestKeyOf(ctx) };
        const booked = await record(tx, booking);
        if (!booked.isRepeat) {
          await recordAudit(tx, { ...by, action, target: wallet, detail: { amount: text, reference, id: booked.id } });
        }
        return booked;
      });
      ctx.status = 201;
      ctx.body = {
        ...{ id: done.id, wallet: done.wallet, amount: done.amount.toString(), balance: done.balance.toString() },
      } satisfies z.infer<typeof byHandReply>;
    },
  });
  return [
    route(
      ...(['/api/v1/admin/payouts', 'Book that a provider’s wallet was paid what it earned', 'wallet.payout'] as const),
      ['payout_exceeds_earnings'],
      recordPayout,
    ),
    route(
      ...(['/api/v1/admin/payments', 'Book that a customer has paid', 'wallet.payment'] as const),
      [],
      recordPayment,
    ),
  ];
}

function writeOffRoute(pool: Pool): RouteRule {
  return {
    ...{ method: 'POST', auth: 'signed', scopes: ['admin'], limit: 'write' },
    path: '/api/v1/admin/debts',
    summary: 'Write off what a wallet owes, and let it order again if it was frozen',
    request: { body: writeOffBody, headers: requestKey },
    responses: { 201: { description: 'It is booked', schema: writeOffReply } },
    errors: ['idempotency_conflict'],
    handler: async (ctx) => {
      const { wallet, reason } = ctx.state.body as z.output<typeof writeOffBody>;
      const by = actorOf(ctx);
      const done = await withTransaction(pool, async (tx) => {
        const written = await writeOffDebt(tx, { wallet, reason, by: by.actor, requestKey: requestKeyOf(ctx) });
        if (!written.isRepeat) {
          const detail = { amount: written.amount.toString(), reason, was_frozen: written.wasFrozen };
          await recordAudit(tx, { ...by, action: 'wallet.write_off', target: wallet, detail });
        }
        return written;
      });
      ctx.status = 201;
      ctx.body = {
        ...{ id: done.id, wallet, written_off: done.amount.toString(), was_frozen: done.wasFrozen },
      } satisfies z.infer<typeof writeOffReply>;
    },
  };
}
