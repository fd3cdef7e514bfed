import type { Pool } from 'pg';
import { publishedKeys, rotateBrokerKey, type BrokerKeyDeps } from '../../auth/broker-key.js';
import { brokerVersion } from '../../broker-version.js';
import type { Config } from '../../config.js';
import { knownCaHash } from '../../db/installation.js';
import { actorOf } from '../audited.js';
import { createCachedRead } from '../cached-read.js';
import type { RouteRule } from '../route.js';
import { brokerKeysReply, brokerKeysReplyOf, featuresOf, siteReply, siteReplyOf } from '../schemas/site.js';
import { sendCached } from '../send-cached.js';

/**
 * A change is visible this much later; an agent that gets an answer signed by another key learns of it from the answer.
 */
const maxAgeMs = 5_000;

/**
 * Public facts about this broker.
 *
 * @param others the other routes of the broker, which decide what features it has.
 */
export function siteRoutes(
  { pool, config }: { pool: Pool; config: Config },
  others: readonly RouteRule[] = [],
): RouteRule[] {
  const cached = createCachedRead({ maxAgeMs, maxKeys: 1 });
  const [version, features] = [brokerVersion(), featuresOf(others.map(({ path }) => path))];
  return [
    {
      ...{ method: 'GET', path: '/api/v1/site', auth: 'none', scopes: [], limit: 'read' },
      summary: 'Public facts about this broker',
      responses: { 200: { description: 'What a client has to know of it', schema: siteReply } },
      errors: [],
      handler: async (ctx) => {
        const facts = async () => ({ keys: await publishedKeys(pool), caHash: await knownCaHash(pool) });
        const load = async () => siteReplyOf({ config, version, features, ...(await facts()) });
        await sendCached(ctx, await cached('site', load));
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
      responses: { 201: { description: 'The new key', schema: brokerKeysReply } },
      errors: [],
      handler: async (ctx) => {
        ctx.status = 201;
        ctx.body = brokerKeysReplyOf(await rotateBrokerKey(deps, actorOf(ctx)));
      },
    },
  ];
}
