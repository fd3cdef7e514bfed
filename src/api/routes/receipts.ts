import type { Pool } from 'pg';
import type { Hex } from 'viem';
import type { z } from 'zod';
import { receiptKeys } from '../../db/receipt-keys.js';
import {
  findOwnersReceipt,
  findReceipt,
  listAnyReceipts,
  listOwnersReceipts,
  listReceipts,
  receiptOfJob,
  type ReceiptPage,
  type StoredReceipt,
} from '../../db/receipt-reads.js';
import { BrokerError } from '../../domain/errors.js';
import { createCachedRead } from '../cached-read.js';
import { ownJob } from '../own-job.js';
import { principalOf } from '../principal.js';
import { validationFailed } from '../problem.js';
import type { ApiContext, RouteRule } from '../route.js';
import {
  adminReceiptsQuery,
  csvOfReceipts,
  digestParams,
  ownersReceiptsQuery,
  receiptKeysReply,
  receiptKeysReplyOf,
  receiptListReply,
  receiptListReplyOf,
  receiptReply,
  receiptReplyOf,
  receiptsQuery,
  type AdminReceiptsQuery,
} from '../schemas/receipt.js';
import { sendCached } from '../send-cached.js';
import { guardians, receiptsOfBatch, type EvidenceDeps } from './settlement-evidence.js';

/** A new key is visible this much later. */
const maxAgeMs = 5_000;
/** A table is one answer without pages, so that a spreadsheet has all of it. */
const maxCsvRows = 10_000;

/** What the broker signed about each settlement. */
export function receiptRoutes(deps: EvidenceDeps): RouteRule[] {
  const { pool } = deps;
  return [...customerRoutes(pool), ...ownerRoutes(pool), keysRoute(pool), operatorRoute(deps)];
}

function customerRoutes(pool: Pool): RouteRule[] {
  const customers = { method: 'GET', auth: 'any', scopes: ['jobs:read'], limit: 'read' } as const;
  const one = { 200: { description: 'The receipt', schema: receiptReply } };
  return [
    {
      ...customers,
      path: '/api/v1/receipts',
      summary: 'Your receipts, newest first; also as `text/csv`',
      request: { query: receiptsQuery },
      responses: { 200: { description: 'One page', schema: receiptListReply, alsoAs: ['text/csv'] } },
      errors: [],
      handler: async (ctx) => {
        const { limit, cursor, from, to } = ctx.state.query as z.output<typeof receiptsQuery>;
        const { wallet } = principalOf(ctx);
        await sendReceipts(ctx, { limit, cursor }, (page) => listReceipts(pool, wallet, { ...page, from, to }));
      },
    },
    {
      ...customers,
      path: '/api/v1/receipts/:digest',
      summary: 'One of your receipts',
      request: { params: digestParams },
      responses: one,
      errors: ['receipt_not_found'],
      handler: async (ctx) => {
        const digest = ctx.state.params['digest'] as Hex;
        ctx.body = receiptReplyOf(found(await findReceipt(pool, principalOf(ctx).wallet, digest)));
      },
    },
    {
      ...customers,
      path: '/api/v1/jobs/:id/receipt',
      summary: 'The last receipt of a job: what it cost after all refunds',
      responses: one,
      errors: ['job_not_found', 'receipt_not_found'],
      handler: async (ctx) => {
        const { wallet, jobId } = await ownJob(pool, ctx);
        ctx.body = receiptReplyOf(found(await receiptOfJob(pool, wallet, jobId)));
      },
    },
  ];
}

/** An owner's receipts name the customer, as what is signed does. */
function ownerRoutes(pool: Pool): RouteRule[] {
  const owners = { method: 'GET', auth: 'any', scopes: ['providers:read'], limit: 'read' } as const;
  return [
    {
      ...owners,
      path: '/api/v1/me/earnings/receipts',
      summary: 'The receipts of the jobs that your providers earned with, newest first; also as `text/csv`',
      request: { query: ownersReceiptsQuery },
      responses: { 200: { description: 'One page', schema: receiptListReply, alsoAs: ['text/csv'] } },
      errors: [],
      handler: async (ctx) => {
        const query = ctx.state.query as z.output<typeof ownersReceiptsQuery>;
        const { limit, cursor, from, to, provider_id: providerId } = query;
        const { wallet } = principalOf(ctx);
        await sendReceipts(ctx, { limit, cursor }, (page) =>
          listOwnersReceipts(pool, wallet, { ...page, from, to, providerId }),
        );
      },
    },
    {
      ...owners,
      path: '/api/v1/me/earnings/receipts/:digest',
      summary: 'The receipt of a job that one of your providers earned with',
      request: { params: digestParams },
      responses: { 200: { description: 'The receipt', schema: receiptReply } },
      errors: ['receipt_not_found'],
      handler: async (ctx) => {
        const digest = ctx.state.params['digest'] as Hex;
        ctx.body = receiptReplyOf(found(await findOwnersReceipt(pool, principalOf(ctx).wallet, digest)));
      },
    },
  ];
}

function keysRoute(pool: Pool): RouteRule {
  const cached = createCachedRead({ maxAgeMs, maxKeys: 1 });
  return {
    ...{ method: 'GET', path: '/api/v1/receipts/keys', auth: 'none', scopes: [], limit: 'read' },
    summary: 'The keys that sign receipts, and when each was valid',
    responses: { 200: { description: 'All that ever signed, oldest first', schema: receiptKeysReply } },
    errors: [],
    handler: async (ctx) => {
      await sendCached(ctx, await cached('keys', async () => receiptKeysReplyOf(await receiptKeys(pool))));
    },
  };
}

function operatorRoute(deps: EvidenceDeps): RouteRule {
  return {
    ...{ method: 'GET', path: '/api/v1/admin/receipts', ...guardians },
    summary: 'The receipts of all customers, newest first; also as `text/csv`',
    request: { query: adminReceiptsQuery },
    responses: { 200: { description: 'One page', schema: receiptListReply, alsoAs: ['text/csv'] } },
    errors: ['settlement_not_found', 'chain_off'],
    handler: async (ctx) => {
      const query = ctx.state.query as AdminReceiptsQuery;
      const { batch } = query;
      if (batch !== undefined) {
        ctx.body = await receiptsOfBatch(deps, { ...query, batch });
        return;
      }
      const { limit, cursor, job_id: jobId, status, wallet, payee, from, to } = query;
      const isSigned = status === undefined ? undefined : status === 'signed';
      await sendReceipts(ctx, { limit, cursor }, (page) =>
        listAnyReceipts(deps.pool, { ...page, wallet, payee, jobId, from, to, isSigned }),
      );
    },
  };
}

interface PageAsked {
  limit: number;
  cursor?: string | undefined;
}

/** Answers a page of receipts in JSON, or all of them in CSV for whoever prefers that. */
async function sendReceipts(
  ctx: ApiContext,
  asked: PageAsked,
  read: (page: PageAsked) => Promise<ReceiptPage>,
): Promise<void> {
  ctx.vary('accept');
  if (ctx.accepts('application/json', 'text/csv') !== 'text/csv') {
    ctx.body = receiptListReplyOf(await read(asked));
    return;
  }
  const { receipts, nextCursor } = await read({ limit: maxCsvRows });
  if (nextCursor !== undefined) {
    const text = `there are more than ${maxCsvRows} receipts: choose a shorter time, or JSON, which has pages`;
    throw validationFailed([{ field: 'query.from', message: text }]);
  }
  ctx.set('content-type', 'text/csv; charset=utf-8; header=present');
  ctx.set('content-disposition', 'attachment; filename="receipts.csv"');
  ctx.body = csvOfReceipts(receipts);
}

function found(receipt: StoredReceipt | undefined): StoredReceipt {
  if (receipt === undefined) throw new BrokerError('receipt_not_found', 'there is no such receipt of yours');
  return receipt;
}
