import type { Pool } from 'pg';
import type { Config } from '../../config.js';
import { chainSettings } from '../../config/chain.js';
import { walletDeposits } from '../../db/deposits.js';
import { principalOf } from '../principal.js';
import type { RouteRule } from '../route.js';
import { depositsReply, depositsReplyOf } from '../schemas/deposits.js';

/** A customer's deposits, as the broker has read them from the chain: no request waits for a node. */
export function depositRoutes({ pool, config }: { pool: Pool; config: Config }): RouteRule[] {
  const vault = chainSettings(config);
  return [
    {
      ...{ method: 'GET', path: '/api/v1/billing/deposits', auth: 'any', scopes: ['jobs:read'], limit: 'read' },
      summary: 'What you have in the vault, what may be drawn of it, and what is on its way',
      responses: { 200: { description: 'As of the last block that is booked', schema: depositsReply } },
      errors: [],
      handler: async (ctx) => {
        ctx.body =
          vault === undefined
            ? depositsReplyOf(undefined)
            : depositsReplyOf(vault, await walletDeposits(pool, vault, principalOf(ctx).wallet));
      },
    },
  ];
}
