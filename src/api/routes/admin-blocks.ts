import type { Pool } from 'pg';
import { z } from 'zod';
import type { Config } from '../../config.js';
import { recordAudit } from '../../db/audit-log.js';
import { findBlock, listBlocks, removeBlock, setBlock, type KeptBlock } from '../../db/blocks.js';
import { withTransaction } from '../../db/pool.js';
import { blockedImageName, blockKinds, type Blockable, type BlockKind } from '../../domain/blocks.js';
import { BrokerError } from '../../domain/errors.js';
import { instant } from '../../domain/outside.js';
import { printableText } from '../../domain/printable.js';
import { providerIdSchema } from '../../domain/registration.js';
import { address } from '../../wire/shapes.js';
import { actorOf } from '../audited.js';
import { validationFailed } from '../problem.js';
import type { ApiContext, RouteRule } from '../route.js';
import { pageQuery } from '../schemas/page.js';

const kind = z.enum(blockKinds);

const params = z.object({
  kind,
  value: z.string().max(512).describe('A wallet, the id of a provider, or an image, percent-encoded'),
});
const query = pageQuery.extend({ kind: kind.optional() });

const body = z.strictObject({
  reason: printableText(500).min(1).describe('Why; whoever is kept out reads it'),
  until: z.iso
    .datetime({ offset: true, error: 'must be a time such as 2026-12-31T00:00:00Z, or null', abort: true })
    .refine((time) => instant(time) !== undefined && Date.parse(time) > Date.now(), 'must be in the future')
    .nullish()
    .describe('When the block ends; null or absent: never'),
});

const blockReply = z
  .object({
    kind,
    value: z.string(),
    reason: z.string(),
    until: z.iso.datetime().nullable(),
    blocked_by: z.string().describe('Wallet of the operator'),
    blocked_at: z.iso.datetime(),
  })
  .meta({ id: 'Block' });
const listReply = z
  .object({
    blocks: z.array(blockReply),
    count: z.int(),
    next_cursor: z.string().optional().describe('Send it as `cursor` for the next page; absent on the last'),
  })
  .meta({ id: 'Blocks' });

/** Whom and what operators keep out. Running jobs stay: their end is another request. */
export function adminBlockRoutes(deps: { pool: Pool; config: Pick<Config, 'ADMIN_WALLETS'> }): RouteRule[] {
  return [...readRoutes(deps), ...changeRoutes(deps)];
}

function readRoutes({ pool }: { pool: Pool }): RouteRule[] {
  const operators = { method: 'GET', auth: 'signed', scopes: ['admin'], limit: 'read' } as const;
  return [
    {
      ...operators,
      path: '/api/v1/admin/blocks',
      summary: 'List what is blocked, by kind and value',
      request: { query },
      responses: { 200: { description: 'One page', schema: listReply } },
      errors: [],
      handler: async (ctx) => {
        const page = await listBlocks(pool, ctx.state.query as z.output<typeof query>);
        ctx.body = {
          blocks: page.blocks.map(blockReplyOf),
          count: page.blocks.length,
          ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }),
        } satisfies z.infer<typeof listReply>;
      },
    },
    {
      ...operators,
      path: '/api/v1/admin/blocks/:kind/:value',
      summary: 'Whether a wallet, a provider or an image is blocked, and why',
      request: { params },
      responses: { 200: { description: 'The block, even if its time is over', schema: blockReply } },
      errors: ['not_found'],
      handler: async (ctx) => {
        const block = await findBlock(pool, blockableIn(ctx));
        if (block === undefined) throw notBlocked();
        ctx.body = blockReplyOf(block);
      },
    },
  ];
}

function changeRoutes({ pool, config }: { pool: Pool; config: Pick<Config, 'ADMIN_WALLETS'> }): RouteRule[] {
  const operators = { auth: 'signed', scopes: ['admin'], limit: 'write' } as const;
  return [
    {
      ...operators,
      method: 'PUT',
      path: '/api/v1/admin/blocks/:kind/:value',
      summary: 'Block a wallet, a provider or an image, or change the reason and the time of a block',
      request: { params, body },
      responses: { 200: { description: 'It is blocked', schema: blockReply } },
      errors: [],
      handler: async (ctx) => {
        const them = blockableIn(ctx);
        if (them.kind === 'wallet' && config.ADMIN_WALLETS.includes(them.value)) {
          throw validationFailed([
            { field: 'params.value', message: 'is a wallet of ADMIN_WALLETS: take it off that list' },
          ]);
        }
        const { reason, until } = ctx.state.body as z.output<typeof body>;
        const actor = actorOf(ctx);
        const block = await withTransaction(pool, async (tx) => {
          const time = until == null ? {} : { until: new Date(until) };
          const set = await setBlock(tx, { ...them, reason, ...time, blockedBy: actor.actor });
          const detail = { reason, until: set.until?.toISOString() ?? null };
          await recordAudit(tx, { ...actor, action: `${them.kind}.block`, target: them.value, detail });
          return set;
        });
        ctx.body = blockReplyOf(block);
      },
    },
    {
      ...operators,
      method: 'DELETE',
      path: '/api/v1/admin/blocks/:kind/:value',
      summary: 'Take back a block',
      request: { params },
      responses: { 204: { description: 'It is not blocked any more' } },
      errors: ['not_found'],
      handler: async (ctx) => {
        const them = blockableIn(ctx);
        await withTransaction(pool, async (tx) => {
          if (!(await removeBlock(tx, them))) throw notBlocked();
          await recordAudit(tx, { ...actorOf(ctx), action: `${them.kind}.unblock`, target: them.value });
        });
        ctx.status = 204;
      },
    },
  ];
}

/** What the path names, in the form in which it is compared. */
function blockableIn(ctx: ApiContext): Blockable {
  const { kind: named, value } = ctx.state.params as { kind: BlockKind; value: string };
  try {
    return { kind: named, value: forms[named](value) };
  } catch (error) {
    const said = error instanceof z.ZodError ? error.issues[0]?.message : error instanceof Error && error.message;
    throw validationFailed([{ field: 'params.value', message: said || 'is not acceptable' }]);
  }
}

const forms: Record<BlockKind, (value: string) => string> = {
  wallet: (value) => address.parse(value),
  provider: (value) => providerIdSchema.parse(value),
  image: blockedImageName,
};

function notBlocked(): BrokerError {
  return new BrokerError('not_found', 'there is no such block');
}

function blockReplyOf({ kind: its, value, reason, until, blockedBy, blockedAt }: KeptBlock) {
  return {
    ...{ kind: its, value, reason, until: until?.toISOString() ?? null },
    ...{ blocked_by: blockedBy, blocked_at: blockedAt.toISOString() },
  } satisfies z.infer<typeof blockReply>;
}
