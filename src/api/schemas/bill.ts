import { z } from 'zod';
import { billsBy, type Bill, type BillRow, type BillsBy } from '../../db/bills.js';
import type { EarningsBalance } from '../../db/earnings.js';
import { csvOf, type Cell } from '../../domain/csv.js';
import { instant } from '../../domain/outside.js';
import { tokensOf } from '../../domain/tokens.js';
import { validationFailed } from '../problem.js';
import { pageQuery } from './page.js';

const dayMs = 86_400_000;
/** A leap year: longer ranges are asked for in parts. */
const maxDays = 366;
const defaultDays = 31;

/** A time, or a day for its first moment. */
export const time = z
  .string()
  .max(64)
  .transform((text, context) => {
    const isDay = /^\d{4}-\d\d-\d\d$/.test(text);
    const found = instant(isDay ? `${text}T00:00:00Z` : text);
    // The 31st of a shorter month would be taken for the first of the next one.
    if (found === undefined || !/^\d{4}-\d\d-\d\d/.test(text) || (isDay && !found.startsWith(text))) {
      context.addIssue({ code: 'custom', message: 'must be a day such as 2026-11-25, or a time in RFC 3339' });
      return z.NEVER;
    }
    return new Date(found);
  });

export const rangeFields = z.object({
  from: time.optional().describe('A time, or a day of UTC; 31 days before `to` unless given'),
  to: time.optional().describe('Not included; the end of today (UTC) unless given'),
  limit: pageQuery.shape.limit,
  cursor: pageQuery.shape.cursor,
});

/** The query of a bill, by what its rows may be of. */
export function billQuery<B extends BillsBy>(kinds: readonly [B, ...B[]], usual: NoInfer<B>) {
  return rangeFields.extend({
    by: z
      .enum(kinds)
      .default(usual as never)
      .describe('What each row is of'),
  });
}

export interface BillRange {
  from: Date;
  to: Date;
}

/**
 * The asked range, with its defaults.
 *
 * @throws BrokerError `validation_failed`
 */
export function rangeOf({ from, to }: Partial<BillRange>, nowMs = Date.now()): BillRange {
  const end = to ?? new Date(Math.floor(nowMs / dayMs) * dayMs + dayMs);
  const begin = from ?? new Date(end.getTime() - defaultDays * dayMs);
  if (begin.getTime() >= end.getTime()) throw validationFailed([{ field: 'query.from', message: 'must be before to' }]);
  if (end.getTime() - begin.getTime() > maxDays * dayMs) {
    throw validationFailed([{ field: 'query.from', message: `must be at most ${maxDays} days before to` }]);
  }
  return { from: begin, to: end };
}

const amount = z.string().regex(/^\d+$/);
const signed = z.string().regex(/^-?\d+$/);
const row = {
  key: z
    .string()
    .describe(
      'The id of a job, a day, the id of a provider, a type of GPU, or the session that ordered; empty for jobs that have none, such as those that are not placed yet',
    ),
  jobs: z.int(),
  seconds: z.number().describe('Paid for'),
  from: z.iso.datetime().optional(),
  to: z.iso.datetime().optional(),
  name: z.string().optional(),
  provider_id: z.string().optional(),
  gpu_type: z.string().optional(),
};
const page = {
  from: z.iso.datetime(),
  to: z.iso.datetime(),
  next_cursor: z.string().optional().describe('Send it as `cursor` for the next page; absent on the last'),
};
const total = { jobs: z.int(), seconds: z.number() };

export const billingReply = z
  .object({
    by: z.enum(billsBy),
    rows: z.array(
      z.object({
        ...row,
        spent: amount.describe('Base units that were charged'),
        ports: amount.describe('Of that, what ports cost'),
        refunded: amount.describe('Of that, what was given back'),
        reserved: amount.describe('Base units that are held for jobs which have not ended'),
      }),
    ),
    total: z
      .object({ ...total, spent: amount, ports: amount, refunded: amount, reserved: amount })
      .describe('Of all pages'),
    ...page,
  })
  .meta({ id: 'Billing' });

/** What an owner may ask for: customers' sessions are none of his. */
export const earningsBy = ['job', 'day', 'provider'] as const;

export const earningsReply = z
  .object({
    by: z.enum(earningsBy),
    rows: z.array(
      z.object({
        ...row,
        earned: amount.describe('Base units that customers were charged, less the fee'),
        fee: amount.describe('What the platform had of the charges'),
        refunded: amount.describe('Of `earned`, what went back to customers'),
        pending: amount.describe('Base units that are held for jobs which have not ended'),
      }),
    ),
    total: z
      .object({ ...total, earned: amount, fee: amount, refunded: amount, pending: amount })
      .describe('Of all pages'),
    unclaimed: amount.describe('Base units that wait until the wallet is proven: its machine has to sign with it'),
    payable: signed.describe(
      'What your wallet has to come, from all its providers; negative: refunds of what was paid out',
    ),
    in_batch: amount.describe('On a site with a chain: what is in a settlement that has not been executed yet'),
    withdrawable: signed.describe(
      'On a site with a chain: what is yours in the vault, for your wallet to take out with `withdrawEarnings`',
    ),
    next_batch_at: z.iso
      .datetime()
      .nullable()
      .describe(
        'When what is payable goes into the next settlement; null without a chain, or while settlements are stopped',
      ),
    paid_out: amount.describe('What your wallet was paid so far'),
    ...page,
  })
  .meta({ id: 'Earnings' });

const figuresOf = ({ jobs, billedMs }: Pick<BillRow, 'jobs' | 'billedMs'>) => ({ jobs, seconds: billedMs / 1_000 });

/** What customers call a job and rent of it is theirs to know: an owner sees only where and how long. */
function rowOf(found: BillRow) {
  return {
    key: found.key,
    ...figuresOf(found),
    ...(found.from === undefined ? {} : { from: found.from.toISOString() }),
    ...(found.to === undefined ? {} : { to: found.to.toISOString() }),
    ...(found.providerId === undefined ? {} : { provider_id: found.providerId }),
    ...(found.gpuType === undefined ? {} : { gpu_type: found.gpuType }),
  };
}

const pageOf = ({ nextCursor }: Bill, { from, to }: BillRange) => ({
  from: from.toISOString(),
  to: to.toISOString(),
  ...(nextCursor === undefined ? {} : { next_cursor: nextCursor }),
});

export function billingReplyOf(bill: Bill, by: BillsBy, range: BillRange): z.infer<typeof billingReply> {
  return {
    by,
    rows: bill.rows.map((found) => ({
      ...rowOf(found),
      ...(found.jobName === undefined ? {} : { name: found.jobName }),
      ...spentOf(found),
    })),
    total: { ...figuresOf(bill.total), ...spentOf(bill.total) },
    ...pageOf(bill, range),
  };
}

const spentOf = ({ spent, ports, refunded, reserved }: Bill['total']) => ({
  spent: spent.toString(),
  ports: ports.toString(),
  refunded: refunded.toString(),
  reserved: reserved.toString(),
});

const earnedOf = ({ spent, fee, returned, reserved }: Bill['total']) => ({
  earned: (spent - fee).toString(),
  fee: fee.toString(),
  refunded: returned.toString(),
  pending: reserved.toString(),
});

/** What is to come, and when the next of it goes to the vault. */
export type ShownBalance = EarningsBalance & { nextBatchAt?: Date | undefined };

/** @param balance what is to come, beside what the rows say of the range. */
export function earningsReplyOf(
  bill: Bill,
  by: BillsBy,
  range: BillRange,
  { unclaimed, payable, paidOut, inBatch, withdrawable, nextBatchAt }: ShownBalance,
): z.infer<typeof earningsReply> {
  return {
    by: by as (typeof earningsBy)[number],
    rows: bill.rows.map((found) => ({ ...rowOf(found), ...earnedOf(found) })),
    total: { ...figuresOf(bill.total), ...earnedOf(bill.total) },
    ...{ unclaimed: unclaimed.toString(), payable: payable.toString(), paid_out: paidOut.toString() },
    ...{ in_batch: inBatch.toString(), withdrawable: withdrawable.toString() },
    next_batch_at: nextBatchAt?.toISOString() ?? null,
    ...pageOf(bill, range),
  };
}

/** A column of amounts, and where its figures come from. */
export interface AmountColumn {
  name: string;
  of: (row: BillRow) => bigint;
}

const keyColumns: Record<BillsBy, string> = {
  ...{ job: 'job_id', day: 'day', provider: 'provider_id', gpu_type: 'gpu_type', session: 'session_id' },
};

/** The rows as a table. Spreadsheets round base units, so each amount stands there in tokens, too. */
export function csvOfBill(rows: readonly BillRow[], by: BillsBy, columns: readonly AmountColumn[], named: boolean) {
  const ofJob = by === 'job';
  const header = [
    keyColumns[by],
    ...(ofJob ? [...(named ? ['name'] : []), 'provider_id', 'gpu_type', 'from', 'to'] : ['jobs']),
    ...['seconds', ...columns.map(({ name }) => name), ...columns.map(({ name }) => `${name}_tokens`)],
  ];
  const cells = rows.map((found): Cell[] => [
    found.key,
    ...(ofJob
      ? [
          ...(named ? [found.jobName ?? ''] : []),
          ...[found.providerId ?? '', found.gpuType ?? ''],
          ...[found.from?.toISOString() ?? '', found.to?.toISOString() ?? ''],
        ]
      : [found.jobs]),
    ...[found.billedMs / 1_000, ...columns.map(({ of }) => of(found))],
    // Digits and a point: no text of anybody.
    ...columns.map(({ of }) => tokensOf(of(found))),
  ]);
  return csvOf(header, cells);
}
