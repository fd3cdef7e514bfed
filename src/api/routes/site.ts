import type { Pool } from 'pg';
import { z } from 'zod';
import { publishedKeys, rotateBrokerKey, type BrokerKeyDeps, type PublishedKeys } from '../../auth/broker-key.js';
import { createCachedRead } from '../cached-read.js';
import type { RouteRule } from '../route.js';
import { sendCached } from '../send-cached.js';

const keysReply = z.object({
  key: z.string().describe('The address of the key by which answers to providers are signed now'),
  since: z.int().describe('Unix seconds'),
  introductions: z
    .array(z.object({ key: z.string(), by: z.string(), since: z.int(), sig: z.string() }))
    .describe('How it came to be that, from the oldest to the newest: each key is signed by the one before it'),
});
const siteReply = z.object({ broker_keys: keysReply });

/** A change is seen this much later; whoever gets an answer by another key is told of it with the answer. */
const maxAgeMs = 5_000;

/** What everybody may know about this broker. */
export function siteRoutes({ pool }: { pool: Pool }): RouteRule[] {
  const cached = createCachedRead({ maxAgeMs, maxKeys: 1 });
  return [
    {
      ...{ method: 'GET', path: '/api/v1/site', auth: 'none', scopes: [], limit: 'read' },
      summary: 'What this broker is',
      responses: { 200: { description: 'The keys by which it signs', schema: siteReply } },
      errors: [],
      handler: async (ctx) => {
        sendCached(ctx, await cached('site', async () => ({ broker_keys: shown(await publishedKeys(pool)) })));
      },
    },
  ];
}

/** Keys are changed by operators only. */
export function adminKeyRoutes(deps: BrokerKeyDeps): RouteRule[] {
  return [
    {
      ...{ method: 'POST', path: '/api/v1/admin/broker-keys', auth: 'signed', scopes: ['admin'], limit: 'write' },
      summary: 'Have another key sign from here on, which the one before it introduces',
      responses: { 201: { description: 'The new key', schema: keysReply } },
      errors: [],
      handler: async (ctx) => {
        ctx.status = 201;
        ctx.body = shown(await rotateBrokerKey(deps));
      },
    },
  ];
}

function shown({ current, since, introductions }: PublishedKeys): z.infer<typeof keysReply> {
  return { key: current, since, introductions };
}
