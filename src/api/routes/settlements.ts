import type { Pool } from 'pg';
import type { z } from 'zod';
import type { Config } from '../../config.js';
import { recordAudit } from '../../db/audit-log.js';
import { readLines, resumeSettlements } from '../../db/batches.js';
import { seenVault } from '../../db/vaults.js';
import { withTransaction } from '../../db/pool.js';
import { findSettlement, listSettlements, settlementOverview } from '../../db/settlement-reads.js';
import { BrokerError } from '../../domain/errors.js';
import { nextBatchAt } from '../../domain/next-batch.js';
import { actorOf } from '../audited.js';
import { createCachedRead } from '../cached-read.js';
import { vaultOf } from '../own-vault.js';
import { requestKeyOf } from '../request-key.js';
import type { RouteRule } from '../route.js';
import {
  adminSettlementsReply,
  adminSettlementsReplyOf,
  resumeBody,
  resumeReply,
  settlementListReply,
  settlementParams,
  settlementReply,
  settlementReplyOf,
  settlementsQuery,
  summaryOf,
} from '../schemas/settlement.js';
import { requestKey } from '../schemas/withdrawal.js';
import { sendCached } from '../send-cached.js';

/** How old the public pages may be. */
const maxAgeMs = 5_000;
const maxCachedPages = 100;

interface Deps {
  pool: Pool;
  config: Config;
}

/** What is settled on the chain: public from its proposal on, so that everybody can check his line in time. */
export function settlementRoutes({ pool, config }: Deps): RouteRule[] {
  const cached = createCachedRead({ maxAgeMs, maxKeys: maxCachedPages });
  const open = { method: 'GET', auth: 'none', scopes: [], limit: 'read' } as const;
  return [
    {
      ...open,
      path: '/api/v1/settlements',
      summary: 'Settlements on the chain, newest first',
      request: { query: settlementsQuery },
      responses: { 200: { description: 'One page', schema: settlementListReply } },
      errors: ['chain_off'],
      handler: async (ctx) => {
        const vault = vaultOf(config);
        const { limit, cursor } = ctx.state.query as z.output<typeof settlementsQuery>;
        const load = async () => {
          const [known, page] = await Promise.all([
            seenVault(pool, vault),
            listSettlements(pool, vault, { limit, cursor }),
          ]);
          return {
            settlements: page.batches.map((batch) => summaryOf(vault, known, batch)),
            count: page.batches.length,
            ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }),
          } satisfies z.infer<typeof settlementListReply>;
        };
        await sendCached(ctx, await cached(`list ${limit} ${cursor ?? ''}`, load));
      },
    },
    {
      ...open,
      path: '/api/v1/settlements/:number',
      summary: 'One settlement with all its lines: whoever has them can work out its hash',
      request: { params: settlementParams },
      responses: { 200: { description: 'From its proposal on', schema: settlementReply } },
      errors: ['settlement_not_found', 'chain_off'],
      handler: async (ctx) => {
        const vault = vaultOf(config);
        const { number } = ctx.state.params as z.output<typeof settlementParams>;
        const load = async () => {
          const [known, batch] = await Promise.all([seenVault(pool, vault), findSettlement(pool, vault, number)]);
          if (batch === undefined) {
            throw new BrokerError('settlement_not_found', `settlement ${number} has not been proposed`);
          }
          return settlementReplyOf(vault, known, batch, await readLines(pool, vault, batch.number));
        };
        await sendCached(ctx, await cached(`one ${number}`, load));
      },
    },
    ...adminRoutes({ pool, config }),
  ];
}

function adminRoutes({ pool, config }: Deps): RouteRule[] {
  const operators = { auth: 'signed', scopes: ['admin'] } as const;
  return [
    {
      ...{ ...operators, method: 'GET', path: '/api/v1/admin/settlements', limit: 'read' },
      summary: 'The vault as last seen, what its settlement waits for, and whether settlements are stopped and why',
      responses: { 200: { description: 'As of now', schema: adminSettlementsReply } },
      errors: ['chain_off'],
      handler: async (ctx) => {
        const vault = vaultOf(config);
        const overview = await settlementOverview(pool, vault);
        const next = overview.stop === undefined ? nextBatchAt(Date.now(), vault.batchIntervalH) : undefined;
        ctx.body = adminSettlementsReplyOf(vault, overview, next);
      },
    },
    {
      ...{ ...operators, method: 'POST', path: '/api/v1/admin/settlements/resume', limit: 'write' },
      summary: 'Let settlements go on after you have looked into why they stopped',
      request: { body: resumeBody, headers: requestKey },
      responses: { 200: { description: 'The next one is cut at its time', schema: resumeReply } },
      errors: ['chain_off', 'idempotency_conflict'],
      handler: async (ctx) => {
        const vault = vaultOf(config);
        const { reason } = ctx.state.body as z.output<typeof resumeBody>;
        const by = actorOf(ctx);
        const resumed = await withTransaction(pool, async (tx) => {
          const asked = { by: by.actor, reason, requestKey: requestKeyOf(ctx) };
          const done = await resumeSettlements(tx, vault, asked);
          if (done !== undefined && !done.isRepeat) {
            const detail = { reason, stopped_for: done.stoppedFor, stopped_at: done.stoppedAt.toISOString() };
            await recordAudit(tx, { ...by, action: 'settlements.resume', target: vault.vault, detail });
          }
          return done;
        });
        if (resumed !== undefined && resumed.reason !== reason) {
          throw new BrokerError('idempotency_conflict', 'the key was used with another reason: use another key');
        }
        ctx.body = {
          resumed: resumed !== undefined,
          stopped_for: resumed?.stoppedFor ?? null,
          stopped_at: resumed?.stoppedAt.toISOString() ?? null,
          resumed_at: resumed?.resumedAt.toISOString() ?? null,
        } satisfies z.infer<typeof resumeReply>;
      },
    },
  ];
}
