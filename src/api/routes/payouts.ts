import type { Pool } from 'pg';
import { z } from 'zod';
import { listPayouts } from '../../db/payouts.js';
import { principalOf } from '../principal.js';
import type { RouteRule } from '../route.js';
import { pageQuery } from '../schemas/page.js';
import { amount, shown, tokens } from '../schemas/shown-amounts.js';

const payoutsReply = z
  .object({
    payouts: z.array(
      z.object({
        id: z.string(),
        amount: amount.describe('Base units'),
        amount_tokens: tokens,
        reference: z.string().describe('Where to look it up, in the words of the operator'),
        at: z.iso.datetime().describe('When it was written down'),
      }),
    ),
    count: z.int(),
    next_cursor: z.string().optional().describe('Send it as `cursor` for the next page; absent on the last'),
  })
  .meta({ id: 'Payouts' });

/** What owners were paid, each payout with its reference. */
export function payoutRoutes({ pool }: { pool: Pool }): RouteRule[] {
  return [
    {
      ...{ method: 'GET', path: '/api/v1/me/earnings/payouts', auth: 'any', scopes: ['providers:read'], limit: 'read' },
      summary: 'What your wallet was paid for what its providers earned, newest first',
      request: { query: pageQuery },
      responses: { 200: { description: 'One page', schema: payoutsReply } },
      errors: [],
      handler: async (ctx) => {
        const page = await listPayouts(pool, principalOf(ctx).wallet, ctx.state.query as z.output<typeof pageQuery>);
        ctx.body = {
          payouts: page.payouts.map(({ id, amount: paid, reference, at }) => ({
            ...{ id, ...shown({ amount: paid }), reference, at: at.toISOString() },
          })),
          count: page.payouts.length,
          ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }),
        } satisfies z.infer<typeof payoutsReply>;
      },
    },
  ];
}
