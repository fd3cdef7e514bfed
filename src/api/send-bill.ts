import type { Pool } from 'pg';
import { listBills, type Bill, type BilledJobs, type BillsBy } from '../db/bills.js';
import { validationFailed } from './problem.js';
import type { ApiContext } from './route.js';
import {
  billingReplyOf,
  csvOfBill,
  earningsReplyOf,
  rangeOf,
  type AmountColumn,
  type BillRange,
  type ShownBalance,
} from './schemas/bill.js';

/** A table is one answer without pages, so that a spreadsheet has all of it. */
const maxCsvRows = 10_000;

/** The query of a bill, as its schema gives it. */
interface BillQuery extends Partial<BillRange> {
  by: BillsBy;
  limit: number;
  cursor?: string | undefined;
}

/** How a bill is called and shown: a customer's has his names for his jobs. */
interface BillWords {
  name: string;
  amounts: readonly AmountColumn[];
  named: boolean;
  replyOf: (bill: Bill, by: BillsBy, range: BillRange) => object | Promise<object>;
}

/** Answers a bill: a page of it in JSON, or all of it in CSV for whoever prefers that. */
export async function sendBill(ctx: ApiContext, pool: Pool, jobs: BilledJobs, words: BillWords): Promise<void> {
  const { by, limit, cursor, ...asked } = ctx.state.query as BillQuery;
  const range = rangeOf(asked);
  ctx.vary('accept');
  if (ctx.accepts('application/json', 'text/csv') !== 'text/csv') {
    const bill = await listBills(pool, jobs, { by, ...range, limit, cursor });
    ctx.body = await words.replyOf(bill, by, range);
    return;
  }
  const bill = await listBills(pool, jobs, { by, ...range, limit: maxCsvRows });
  if (bill.nextCursor !== undefined) {
    const message = `the range has more than ${maxCsvRows} rows: choose a shorter one, or JSON, which has pages`;
    throw validationFailed([{ field: 'query.from', message }]);
  }
  const day = (time: Date) => time.toISOString().slice(0, 10);
  ctx.set('content-type', 'text/csv; charset=utf-8; header=present');
  ctx.set('content-disposition', `attachment; filename="${words.name}-${day(range.from)}-${day(range.to)}.csv"`);
  ctx.body = csvOfBill(bill.rows, by, words.amounts, words.named);
}

/** What a customer spends. */
export const billing: BillWords = {
  ...{ name: 'billing', named: true, replyOf: billingReplyOf },
  amounts: [
    { name: 'spent', of: ({ spent }) => spent },
    { name: 'reserved', of: ({ reserved }) => reserved },
    { name: 'refunded', of: ({ refunded }) => refunded },
  ],
};

/** What an owner earns, beside what he has to come. */
export const earnings = (balance: () => Promise<ShownBalance>): BillWords => ({
  ...{ name: 'earnings', named: false },
  replyOf: async (bill, by, range) => earningsReplyOf(bill, by, range, await balance()),
  amounts: [
    { name: 'earned', of: ({ spent, fee }) => spent - fee },
    { name: 'pending', of: ({ reserved }) => reserved },
    { name: 'fee', of: ({ fee }) => fee },
    { name: 'refunded', of: ({ returned }) => returned },
  ],
});
