import type { Pool } from 'pg';
import type { z } from 'zod';
import type { Config } from '../../config.js';
import { readMonthlyCap } from '../../db/spending-caps.js';
import { statementReceipts } from '../../db/statement-receipts.js';
import { walletBalance, walletEntries, walletStatement } from '../../db/wallet-money.js';
import { principalOf } from '../principal.js';
import { validationFailed } from '../problem.js';
import type { ApiContext, RouteRule } from '../route.js';
import { rangeFields, rangeOf, type BillRange } from '../schemas/bill.js';
import {
  balanceReply,
  balanceReplyOf,
  csvOfEntries,
  entriesReply,
  monthRange,
  statementParams,
  statementReply,
  statementReplyOf,
  walletEntryOf,
} from '../schemas/money.js';
import { prefersCsv, sendCsv } from '../send-csv.js';

/** A table is one answer without pages. */
const maxCsvRows = 50_000;

const entriesQuery = rangeFields;

/** A customer's own money: what he has and owes, every booking, and a month of them summed up. */
export function walletMoneyRoutes({ pool, config }: { pool: Pool; config: Config }): RouteRule[] {
  const mode = config.ENABLE_BLOCKCHAIN ? 'prepaid' : 'credit';
  const reads = { method: 'GET', auth: 'any', scopes: ['jobs:read'], limit: 'read' } as const;
  return [
    {
      ...reads,
      path: '/api/v1/billing/balance',
      summary: 'What you have, what is reserved of it, what you owe, and your monthly cap',
      responses: { 200: { description: 'As of now', schema: balanceReply } },
      errors: [],
      handler: async (ctx) => {
        const { wallet } = principalOf(ctx);
        const [balance, cap] = await Promise.all([walletBalance(pool, wallet), readMonthlyCap(pool, wallet)]);
        ctx.body = balanceReplyOf(mode, balance, cap);
      },
    },
    {
      ...reads,
      path: '/api/v1/billing/entries',
      summary: 'Every booking of your money, newest first; also as `text/csv`',
      request: { query: entriesQuery },
      responses: { 200: { description: 'One page', schema: entriesReply, alsoAs: ['text/csv'] } },
      errors: [],
      handler: async (ctx) => {
        const { limit, cursor, ...asked } = ctx.state.query as z.output<typeof entriesQuery>;
        const { wallet } = principalOf(ctx);
        const range = rangeOf({
          ...(asked.from === undefined ? {} : { from: asked.from }),
          ...(asked.to === undefined ? {} : { to: asked.to }),
        });
        if (prefersCsv(ctx)) return await sendEntries(ctx, pool, range, 'entries');
        const page = await walletEntries(pool, wallet, { limit, cursor, ...range });
        ctx.body = {
          entries: page.entries.map(walletEntryOf),
          count: page.entries.length,
          ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }),
        } satisfies z.infer<typeof entriesReply>;
      },
    },
    {
      ...reads,
      path: '/api/v1/billing/statements/:month',
      summary: 'What became of your money in a month; its bookings as `text/csv`',
      request: { params: statementParams },
      responses: { 200: { description: 'What was booked in it so far', schema: statementReply, alsoAs: ['text/csv'] } },
      errors: [],
      handler: async (ctx) => {
        const { month } = ctx.state.params as z.output<typeof statementParams>;
        const range = monthRange(month);
        if (prefersCsv(ctx)) return await sendEntries(ctx, pool, range, 'statement');
        const of = [pool, principalOf(ctx).wallet, range.from, range.to] as const;
        const [statement, receipts] = await Promise.all([walletStatement(...of), statementReceipts(...of)]);
        ctx.body = statementReplyOf(month, range, statement, receipts, Date.now());
      },
    },
  ];
}

async function sendEntries(ctx: ApiContext, pool: Pool, range: BillRange, name: string): Promise<void> {
  const { entries, nextCursor } = await walletEntries(pool, principalOf(ctx).wallet, { limit: maxCsvRows, ...range });
  if (nextCursor !== undefined) {
    const message = `the range has more than ${maxCsvRows} entries: ask for parts of it, or for JSON, which has pages`;
    throw validationFailed([{ field: 'query.from', message }]);
  }
  sendCsv(ctx, csvOfEntries(entries), name, range);
}
