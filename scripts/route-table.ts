import { withOpenapi } from '../src/api/routes/openapi.js';
import { brokerRoutes, type BrokerRouteDeps } from '../src/api/routes/index.js';
import type { RouteRule } from '../src/api/route.js';
import { readConfig } from '../src/config.js';

/** Every route of the broker with its defaults, for what is made of the routes. Their handlers must not be called. */
export function routeTable(): RouteRule[] {
  const config = readConfig({});
  const deps = new Proxy({ config }, { get: (of, name) => (name === 'config' ? of.config : nothing) });
  return withOpenapi(brokerRoutes(deps as unknown as BrokerRouteDeps), config);
}

/** Stands for whatever a route works with. The routes are only described here, so nothing is ever asked of it. */
const nothing: unknown = new Proxy(function nothing() {}, {
  get: (_, name) => (name === 'then' || typeof name === 'symbol' ? undefined : nothing),
  apply: () => nothing,
});
