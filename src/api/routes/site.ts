import type { Pool } from 'pg';
import { z } from 'zod';
import { publishedKeys, rotateBrokerKey, type BrokerKeyDeps, type PublishedKeys } from '../../auth/broker-key.js';
import { actorOf } from '../audited.js';
import { createCachedRead } from '../cached-read.js';
import type { RouteRule } from '../route.js';
import { sendCached } from '../send-cached.js';

const keysReply = z.object({
  key: z.string().describe('The address of the key that signs answers to providers now'),
  since: z.int().describe('Unix seconds'),
  introductions: z
    .array(z.object({ key: z.string(), by: z.string(), since: z.int(), sig: z.string() }))
    .describe('The chain of keys that led to it, oldest first: each key is signed by the one before it'),
});
const siteReply = z.object({ broker_keys: keysReply });

/**
 * A change is visible this much later; an agent that gets an answer signed by another key learns of it from the answer.
 */
const maxAgeMs = 5_000;

/** Public facts about this broker. */
export function siteRoutes({ pool }: { pool: Pool }): RouteRule[] {
  const cached = createCachedRead({ maxAgeMs, maxKeys: 1 });
  return [
    {
      ...{ method: 'GET', path: '/api/v1/site', auth: 'none', scopes: [], limit: 'read' },
      summary: 'Public facts about this broker',
      responses: { 200: { description: 'Its signing keys', schema: siteReply } },
      errors: [],
      handler: async (ctx) => {
        sendCached(ctx, await cached('site', async () => ({ broker_keys: shown(await publishedKeys(pool)) })));
      },
    },
  ];
}

/** Only operators change keys. */
export function adminKeyRoutes(deps: BrokerKeyDeps): RouteRule[] {
  return [
    {
      ...{ method: 'POST', path: '/api/v1/admin/broker-keys', auth: 'signed', scopes: ['admin'], limit: 'write' },
      summary: 'Create a new signing key, which the present one introduces',
      responses: { 201: { description: 'The new key', schema: keysReply } },
      errors: [],
      handler: async (ctx) => {
        ctx.status = 201;
        ctx.body = shown(await rotateBrokerKey(deps, actorOf(ctx)));
      },
    },
  ];
}

function shown({ current, since, introductions }: PublishedKeys): z.infer<typeof keysReply> {
  return { key: current, since, introductions };
}
