import type { Pool } from 'pg';
import type { z } from 'zod';
import type { Config } from '../../config.js';
import {
  explainedBatch,
  listReceiptsOfBatch,
  listUnreceipted,
  type ExplainedBatch,
} from '../../db/settlement-evidence.js';
import { BrokerError } from '../../domain/errors.js';
import { vaultOf } from '../own-vault.js';
import { validationFailed } from '../problem.js';
import type { RouteRule } from '../route.js';
import {
  receiptListReplyOf,
  unreceiptedQuery,
  unreceiptedReply,
  type AdminReceiptsQuery,
  type ReceiptListReply,
} from '../schemas/receipt.js';

export interface EvidenceDeps {
  pool: Pool;
  config: Config;
}

/** What a guardian reads: it is a wallet of `GUARDIAN_WALLETS`, and its session can do nothing else. */
export const guardians = { auth: 'signed', scopes: ['settlements:read'], operators: true, limit: 'read' } as const;

/** What moved money without a receipt, for whoever holds a settlement against the receipts. */
export function settlementEvidenceRoutes(deps: EvidenceDeps): RouteRule[] {
  return [
    {
      ...{ method: 'GET', path: '/api/v1/admin/bookings', ...guardians },
      summary: 'What moved money of wallets without a receipt, by the cut of a settlement; oldest first',
      request: { query: unreceiptedQuery },
      responses: { 200: { description: 'One page', schema: unreceiptedReply } },
      errors: ['settlement_not_found', 'chain_off'],
      handler: async (ctx) => {
        const { batch: number, ...page } = ctx.state.query as z.output<typeof unreceiptedQuery>;
        const batch = await batchOf(deps, number);
        const { bookings, nextCursor } = await listUnreceipted(deps.pool, batch.cutAt, page);
        ctx.body = {
          bookings: bookings.map(({ amount, at, claimed, ...rest }) => ({
            ...{ ...rest, amount: amount.toString(), at: at.toISOString() },
            ...(claimed === undefined
              ? {}
              : {
                  claimed: {
                    ...{ provider_id: claimed.providerId, signature: claimed.signature, chain_id: claimed.chainId },
                    delegation: claimed.delegation as Record<string, unknown>,
                  },
                }),
          })),
          count: bookings.length,
          ...(nextCursor === undefined ? {} : { next_cursor: nextCursor }),
          batch: shown(batch),
        } satisfies z.infer<typeof unreceiptedReply>;
      },
    },
  ];
}

/** The receipts that explain a settlement. */
export async function receiptsOfBatch(
  deps: EvidenceDeps,
  { batch: number, from, limit, cursor, ...others }: AdminReceiptsQuery & { batch: number },
): Promise<ReceiptListReply> {
  const alsoNamed = Object.entries(others).flatMap(([field, value]) => (value === undefined ? [] : [field]));
  if (alsoNamed.length > 0) {
    const message = 'does not go with batch: a settlement is explained by all of its receipts';
    throw validationFailed(alsoNamed.map((field) => ({ field: `query.${field}`, message })));
  }
  const batch = await batchOf(deps, number);
  const page = await listReceiptsOfBatch(deps.pool, batch, { limit, cursor, from });
  return { ...receiptListReplyOf(page), batch: shown(batch) };
}

const shown = ({ number, cutAt }: ExplainedBatch) => ({ number, cut_at: cutAt.toISOString() });

async function batchOf({ pool, config }: EvidenceDeps, number: number): Promise<ExplainedBatch> {
  const batch = await explainedBatch(pool, vaultOf(config), number);
  if (batch === undefined)
    throw new BrokerError('settlement_not_found', `there is no settlement ${number} of this broker`);
  return batch;
}
