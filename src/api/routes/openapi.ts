import type { Config } from '../../config.js';
import { cachedReply } from '../cached-read.js';
import { openapiDocument } from '../openapi.js';
import type { RouteRule } from '../route.js';
import { sendCached } from '../send-cached.js';

/** The route of the OpenAPI document; created once, because the routes do not change while the process lives. */
export function openapiRoute(rules: readonly RouteRule[], config: Pick<Config, 'AUTH_AUDIENCE'>): RouteRule {
  const rule: RouteRule = {
    method: 'GET',
    path: '/openapi.json',
    auth: 'none',
    scopes: [],
    limit: 'read',
    summary: 'This document',
    responses: { 200: { description: 'OpenAPI 3.1' } },
    errors: [],
    handler: async (ctx) => sendCached(ctx, page),
  };
  // It never becomes stale in this process.
  const page = cachedReply(openapiDocument([...rules, rule], config.AUTH_AUDIENCE), 300_000, Infinity);
  return rule;
}
