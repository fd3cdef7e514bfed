import type { Config } from '../../config.js';
import { cachedReply } from '../cached-read.js';
import { openapiDocument } from '../openapi.js';
import type { RouteRule } from '../route.js';
import { sendCached } from '../send-cached.js';

/** All routes of an API: those given, and the OpenAPI document that describes them. */
export function withOpenapi(rules: readonly RouteRule[], config: Pick<Config, 'AUTH_AUDIENCE'>): RouteRule[] {
  return [...rules, openapiRoute(rules, config)];
}

/** Created once, because the routes do not change while the process lives. */
function openapiRoute(rules: readonly RouteRule[], config: Pick<Config, 'AUTH_AUDIENCE'>): RouteRule {
  const rule: RouteRule = {
    method: 'GET',
    path: '/openapi.json',
    auth: 'none',
    scopes: [],
    limit: 'read',
    summary: 'This document',
    responses: { 200: { description: 'OpenAPI 3.1' } },
    errors: [],
    handler: async (ctx) => await sendCached(ctx, page),
  };
  // It never becomes stale in this process.
  const page = cachedReply(openapiDocument([...rules, rule], config.AUTH_AUDIENCE), 300_000, Infinity);
  return rule;
}
