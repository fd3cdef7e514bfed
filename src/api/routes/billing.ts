import type { Pool } from 'pg';
import { principalOf } from '../principal.js';
import type { RouteRule } from '../route.js';
import { billsBy } from '../../db/bills.js';
import { billingReply, billQuery } from '../schemas/bill.js';
import { billing, sendBill } from '../send-bill.js';

/** What a customer's jobs cost. */
export function billingRoutes({ pool }: { pool: Pool }): RouteRule[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/billing',
      auth: 'any',
      scopes: ['jobs:read'],
      limit: 'read',
      summary: 'What your jobs cost, by job, day, provider, GPU type or session; also as `text/csv`',
      request: { query: billQuery(billsBy, 'job') },
      responses: {
        200: {
          description: 'By the end of jobs; what runs counts as of now',
          schema: billingReply,
          alsoAs: ['text/csv'],
        },
      },
      errors: [],
      handler: (ctx) => sendBill(ctx, pool, { wallet: principalOf(ctx).wallet }, billing),
    },
  ];
}
