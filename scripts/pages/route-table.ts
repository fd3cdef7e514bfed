import { Redis } from 'ioredis';
import { openapiDocument } from '../../src/api/openapi.js';
import type { RouteRule } from '../../src/api/route.js';
import { brokerRoutes, type BrokerRouteDeps } from '../../src/api/routes/index.js';
import { withOpenapi } from '../../src/api/routes/openapi.js';
import { readConfig } from '../../src/config.js';

export type Json = Record<string, unknown>;

export interface RouteTable {
  rules: readonly RouteRule[];
  /** The OpenAPI document of the same rules. */
  document: Json;
}

/** The routes as they are described, for pages: nothing is asked of them, so they get nothing to work with. */
export function readRouteTable(): RouteTable {
  const config = readConfig({ AUTH_AUDIENCE: 'https://broker.example.com' });
  // It never connects.
  const redis = new Redis({ lazyConnect: true });
  const nothing = { config, redis, now: Date.now } as unknown;
  const routes = brokerRoutes({ ...(nothing as BrokerRouteDeps), auth: nothing as BrokerRouteDeps['auth'] });
  const rules = withOpenapi(routes, config);
  return { rules, document: openapiDocument(rules, config.AUTH_AUDIENCE) };
}
