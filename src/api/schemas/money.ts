import { z } from 'zod';
import type { LedgerChecks } from '../../db/ledger-checks.js';
import { entryKinds } from '../../db/ledger.js';
import type { MonthlyCap } from '../../db/spending-caps.js';
import type { Unbookable } from '../../db/unbooked.js';
import type { Creditor } from '../../db/payouts.js';
import type { Debtor, RevenueBy, RevenueRow, Standing } from '../../db/revenue.js';
import type { StatementReceipts } from '../../db/statement-receipts.js';
import type { Statement, WalletBalance, WalletEntry } from '../../db/wallet-money.js';
import { csvOf, type Cell } from '../../domain/csv.js';
import type { BillRange } from './bill.js';
import { monthlyCapReply, monthlyCapReplyOf } from './monthly-cap.js';
import { amount, shown, signedTokens, tokens } from './shown-amounts.js';

const signed = z.string().regex(/^-?\d+$/);

export const balanceReply = z
  .object({
    mode: z
      .enum(['credit', 'prepaid'])
      .describe(
        'credit: the spend limit that a wallet signed is trusted; it may owe. prepaid: it spends what it deposited',
      ),
    available: amount.describe('Base units that were paid in advance or refunded, and are not reserved'),
    available_tokens: tokens,
    reserved: amount.describe('Base units that are held for jobs which have not ended'),
    reserved_tokens: tokens,
    withdrawing: amount.describe('Base units that are held for you to take out of the vault'),
    withdrawing_tokens: tokens,
    owed: amount.describe('Base units that were charged and are not paid for'),
    owed_tokens: tokens,
    updated_at: z.iso.datetime().nullable().describe('Of the last booking; null without any'),
    monthly_cap: monthlyCapReply.nullable().describe('Null if the wallet has set none'),
  })
  .meta({ id: 'Balance' });

export function balanceReplyOf(
  mode: 'credit' | 'prepaid',
  { updatedAt, ...amounts }: WalletBalance,
  cap: MonthlyCap | undefined,
): z.infer<typeof balanceReply> {
  return {
    ...{ mode, ...shown(amounts), updated_at: updatedAt?.toISOString() ?? null },
    monthly_cap: cap === undefined ? null : monthlyCapReplyOf(cap),
  };
}

const walletEntrySchema = z
  .object({
    id: z.string(),
    kind: z.enum(entryKinds),
    amount: signed.describe('Base units by which all that you have changed; 0 where money was only reserved or freed'),
    reserved: signed.describe('Base units by which what is reserved of it changed'),
    balance_after: signed.describe('All that you had then; negative: what you owed'),
    at: z.iso.datetime().describe('When it was booked'),
    job_id: z.string().optional(),
    reason: z.string().optional().describe('Of a refund; or where a payment can be looked up'),
    settled_at: z.iso.datetime().optional().describe('When the job was settled, if it was booked after an upgrade'),
  })
  .meta({ id: 'WalletEntry' });

export const entriesReply = z
  .object({
    entries: z.array(walletEntrySchema),
    count: z.int(),
    next_cursor: z.string().optional().describe('Send it as `cursor` for the next page; absent on the last'),
  })
  .meta({ id: 'WalletEntries' });

export function walletEntryOf(entry: WalletEntry): z.infer<typeof walletEntrySchema> {
  const { id, kind, amount: changed, reserved, balanceAfter, at, jobId, reason, settledAt } = entry;
  return {
    ...{ id, kind, amount: changed.toString(), reserved: reserved.toString(), balance_after: balanceAfter.toString() },
    at: at.toISOString(),
    ...(jobId === undefined ? {} : { job_id: jobId }),
    ...(reason === undefined ? {} : { reason }),
    ...(settledAt === undefined ? {} : { settled_at: settledAt.toISOString() }),
  };
}

export function csvOfEntries(entries: readonly WalletEntry[]): string {
  const header = [
    'at',
    'kind',
    'job_id',
    'amount',
    'reserved',
    'balance_after',
    'amount_tokens',
    'balance_after_tokens',
  ];
  return csvOf(
    [...header, 'reason'],
    entries.map((entry): Cell[] => [
      ...[entry.at.toISOString(), entry.kind, entry.jobId ?? '', entry.amount, entry.reserved, entry.balanceAfter],
      ...[{ digits: signedTokens(entry.amount) }, { digits: signedTokens(entry.balanceAfter) }],
      entry.reason ?? '',
    ]),
  );
}

export const statementParams = z.object({
  month: z
    .string()
    .regex(/^20\d\d-(0[1-9]|1[0-2])$/, 'must be a month such as 2026-11')
    .describe('A month of UTC'),
});

/** A month of UTC, as `statementParams` has it. */
export function monthRange(month: string): BillRange {
  const [year, number] = month.split('-').map(Number) as [number, number];
  return { from: new Date(Date.UTC(year, number - 1)), to: new Date(Date.UTC(year, number)) };
}

export const statementReply = z
  .object({
    month: z.string(),
    from: z.iso.datetime(),
    to: z.iso.datetime().describe('Not included'),
    is_final: z.boolean().describe('The month is over: nothing is booked in it any more'),
    opening: signed.describe('Base units that you had when the month began; negative: that you owed'),
    opening_tokens: tokens,
    paid: amount.describe('What you paid'),
    paid_tokens: tokens,
    charged: amount.describe('What your jobs cost that were settled'),
    charged_tokens: tokens,
    refunded: amount,
    refunded_tokens: tokens,
    withdrawn: amount.describe('What left the vault again'),
    withdrawn_tokens: tokens,
    adjusted: signed.describe('What an operator corrected'),
    adjusted_tokens: tokens,
    closing: signed.describe('opening + paid - charged + refunded - withdrawn + adjusted'),
    closing_tokens: tokens,
    reserved: amount.describe('Of that, what is held for jobs which have not ended'),
    reserved_tokens: tokens,
    jobs: z.int().describe('Jobs that were settled'),
    entries: z.int(),
    receipts: z
      .object({
        first: z
          .int()
          .nullable()
          .describe('The number of the first one that was issued in the month; null without any'),
        last: z.int().describe('The number of the newest one that was issued before the month ended; 0 without any'),
        last_digest: z
          .string()
          .regex(/^0x[0-9a-f]{64}$/)
          .nullable()
          .describe('Its digest: whoever has it sees whether newer ones are held back'),
      })
      .describe('Those from `first` to `last` are for what was charged and refunded'),
    without_receipt: signed.describe(
      'What of `charged` less `refunded` they are not for: jobs that a version without receipts settled, and what is charged of jobs that run on, which counts the other way round in the month of their receipts',
    ),
    without_receipt_tokens: tokens,
  })
  .meta({ id: 'Statement' });

export function statementReplyOf(
  month: string,
  { from, to }: BillRange,
  { jobs, entries, ...amounts }: Statement,
  { first, newest, net }: StatementReceipts,
  nowMs: number,
): z.infer<typeof statementReply> {
  return {
    ...{ month, from: from.toISOString(), to: to.toISOString(), is_final: to.getTime() + bookedLateMs < nowMs },
    ...shown({ ...amounts, without_receipt: amounts.charged - amounts.refunded - net }),
    ...{ jobs, entries },
    receipts: { first: first ?? null, last: newest?.number ?? 0, last_digest: newest?.digest ?? null },
  };
}

/** A booking has its time a little before others can read it. */
const bookedLateMs = 120_000;

const revenueRow = z.object({
  key: z.string().describe('A day of UTC, the id of a provider, or a GPU type'),
  jobs: z.int(),
  charged: amount,
  fees: signed.describe('What the platform keeps, refunds taken off'),
  refunded: amount,
});

export const revenueReply = z
  .object({
    by: z.enum(['day', 'provider', 'gpu_type']),
    from: z.iso.datetime(),
    to: z.iso.datetime().describe('Not included'),
    rows: z.array(revenueRow).describe('By when it was booked; 1,000 at most'),
    standing: z
      .object({
        owed_to_providers: amount.describe('Earned by proven wallets, and not paid out'),
        unclaimed: amount.describe('Earned by providers whose wallet is not proven'),
        providers_owe: amount.describe('Refunded after it had been paid out'),
        customers_hold: amount.describe('Paid in advance, or refunded'),
        customers_owe: amount.describe('Charged, and not paid'),
        bad_debt: signed,
        fees: signed.describe('Of all time'),
      })
      .describe('Base units, as of now'),
    debtors: z
      .array(z.object({ wallet: z.string(), owed: amount, since: z.iso.datetime() }))
      .describe('Who owes most, and since when: payments count for the oldest charges first'),
    creditors: z
      .array(z.object({ wallet: z.string(), payable: amount }))
      .describe('Which proven wallets of providers have most to come; 100 at most'),
    ledger: z.object({
      checked_at: z.iso.datetime().nullable().describe('When new bookings were compared last'),
      differs: z
        .record(z.string(), z.int())
        .describe('In how many rows which invariant is violated; empty when healthy'),
      uncompared: z
        .array(z.object({ invariant: z.string(), since: z.iso.datetime(), why: z.string() }))
        .describe('By which invariants everything cannot be compared any more; empty when healthy'),
      unbooked: z.int().describe('Charges of an older version that are still to be booked'),
      unbookable: z
        .array(z.object({ job_id: z.string(), since: z.iso.datetime(), reason: z.string() }))
        .describe('Jobs that cannot be booked, at most 100; empty when healthy'),
    }),
  })
  .meta({ id: 'Revenue' });

export function revenueReplyOf(
  { by, from, to }: BillRange & { by: RevenueBy },
  rows: readonly RevenueRow[],
  standing: Standing,
  { debtors, creditors }: { debtors: readonly Debtor[]; creditors: readonly Creditor[] },
  { checkedAt, differs, full, unbooked, unbookable }: LedgerChecks & { unbooked: number; unbookable: Unbookable[] },
): z.infer<typeof revenueReply> {
  return {
    ...{ by, from: from.toISOString(), to: to.toISOString() },
    rows: rows.map(({ key, jobs, charged, fees, refunded }) => ({
      ...{ key, jobs, charged: charged.toString(), fees: fees.toString(), refunded: refunded.toString() },
    })),
    standing: {
      owed_to_providers: standing.owedToProviders.toString(),
      unclaimed: standing.unclaimed.toString(),
      providers_owe: standing.providersOwe.toString(),
      customers_hold: standing.customersHold.toString(),
      customers_owe: standing.customersOwe.toString(),
      bad_debt: standing.badDebt.toString(),
      fees: standing.fees.toString(),
    },
    creditors: creditors.map(({ wallet, payable }) => ({ wallet, payable: payable.toString() })),
    debtors: debtors.map(({ wallet, owed, since }) => ({ wallet, owed: owed.toString(), since: since.toISOString() })),
    ledger: {
      checked_at: checkedAt?.toISOString() ?? null,
      differs,
      uncompared: full.flatMap(({ invariant, failing }) =>
        failing === undefined ? [] : [{ invariant, since: failing.since.toISOString(), why: failing.why }],
      ),
      unbooked,
      unbookable: unbookable.map(({ jobId, since, reason }) => ({ job_id: jobId, since: since.toISOString(), reason })),
    },
  };
}

export function csvOfRevenue(rows: readonly RevenueRow[], by: RevenueBy): string {
  const header = [by, 'jobs', 'charged', 'fees', 'refunded', 'charged_tokens', 'fees_tokens', 'refunded_tokens'];
  return csvOf(
    header,
    rows.map(({ key, jobs, charged, fees, refunded }): Cell[] => [
      ...[key, jobs, charged, fees, refunded],
      ...[charged, fees, refunded].map((value) => ({ digits: signedTokens(value) })),
    ]),
  );
}
