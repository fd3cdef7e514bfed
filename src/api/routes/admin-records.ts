import type { Redis } from 'ioredis';
import type { Pool } from 'pg';
import { z } from 'zod';
import { listAudit } from '../../db/audit-log.js';
import { decodeCursor, encodeCursor } from '../../db/cursor.js';
import { providerIdSchema } from '../../domain/registration.js';
import { isEntryId, isStreamName, readDeadLetters, type LetterPlace } from '../../redis/streams/read-dead-letters.js';
import { address } from '../../wire/shapes.js';
import { streams } from '../../wire/streams.js';
import type { RouteRule } from '../route.js';
import { pageQuery, queryText } from '../schemas/page.js';

const lettersQuery = pageQuery.extend({
  stream: z.enum(Object.values(streams)).optional(),
  provider_id: providerIdSchema.optional().describe('Letters whose message names it'),
});
const nextCursor = z.string().optional().describe('Send it as `cursor` for the next page; absent on the last');
const lettersReply = z
  .object({
    items: z.array(
      z.object({
        stream: z.string(),
        id: z.string(),
        at: z.iso.datetime(),
        orig_id: z.string().describe('Its id in the stream'),
        provider_id: z.string().optional().describe('Claimed, not proven'),
        reason: z.string(),
        data: z.string().describe('The beginning of the message, without secrets'),
      }),
    ),
    count: z.int(),
    next_cursor: nextCursor,
  })
  .meta({ id: 'DeadLetters' });

const auditQuery = pageQuery.extend({
  actor: address.optional(),
  target: queryText.max(512).optional().describe('The id of a job or a provider, a wallet, an image'),
  action: z
    .string()
    .max(64)
    .regex(/^[a-z_]+\.[a-z_]+$/, 'must be a subject and a verb, such as provider.drain')
    .optional(),
});
const auditReply = z
  .object({
    items: z.array(
      z.object({
        at: z.iso.datetime(),
        actor: z.string().describe('Wallet'),
        session_id: z.string().optional().describe('Absent where the request itself proved its sender'),
        ip: z.string(),
        action: z.string(),
        target: z.string(),
        detail: z.record(z.string(), z.unknown()),
        request_id: z.string(),
      }),
    ),
    count: z.int(),
    next_cursor: nextCursor,
  })
  .meta({ id: 'AuditRows' });

/** What was rejected, and what operators and owners changed: both are only read. */
export function adminRecordRoutes({ pool, redis }: { pool: Pool; redis: Redis }): RouteRule[] {
  const operators = { method: 'GET', auth: 'signed', scopes: ['admin'], limit: 'read' } as const;
  return [
    {
      ...operators,
      path: '/api/v1/admin/dead-letters',
      summary: 'Messages of providers that could have no effect, newest first',
      request: { query: lettersQuery },
      responses: { 200: { description: 'One page, which may be short', schema: lettersReply } },
      errors: [],
      handler: async (ctx) => {
        const { stream, provider_id: providerId, limit, cursor } = ctx.state.query as z.output<typeof lettersQuery>;
        const after = cursor === undefined ? {} : { after: placeOf(cursor) };
        const { letters, next } = await readDeadLetters(redis, { stream, providerId, limit, ...after });
        ctx.body = {
          items: letters.map((letter) => ({
            ...{ stream: letter.stream, id: letter.id, at: letter.at, orig_id: letter.origId },
            ...(letter.providerId === undefined ? {} : { provider_id: letter.providerId }),
            ...{ reason: letter.reason, data: letter.data },
          })),
          count: letters.length,
          ...(next === undefined ? {} : { next_cursor: encodeCursor(next.id, next.stream) }),
        } satisfies z.infer<typeof lettersReply>;
      },
    },
    {
      ...operators,
      path: '/api/v1/admin/audit',
      summary: 'What operators and owners changed, newest first',
      request: { query: auditQuery },
      responses: { 200: { description: 'One page', schema: auditReply } },
      errors: [],
      handler: async (ctx) => {
        const page = await listAudit(pool, ctx.state.query as z.output<typeof auditQuery>);
        ctx.body = {
          items: page.items.map(({ at, actor, sessionId, ip, action, target, detail, requestId }) => ({
            ...{ at: at.toISOString(), actor, ip },
            ...(sessionId === undefined ? {} : { session_id: sessionId }),
            ...{ action, target, detail, request_id: requestId },
          })),
          count: page.items.length,
          ...(page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor }),
        } satisfies z.infer<typeof auditReply>;
      },
    },
  ];
}

function placeOf(cursor: string): LetterPlace {
  const [id = '', stream = ''] = decodeCursor(cursor, isEntryId, isStreamName);
  return { id, stream } as LetterPlace;
}
