import Koa from 'koa';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { Config } from '../config.js';
import type { JobCommands } from './job-commands.js';
import type { Limiter } from './limiter.js';
import { accessLog } from './middleware/access-log.js';
import { authentication, requireScopes, type Authenticate } from './middleware/authenticate.js';
import { allowOrigins } from './middleware/cors.js';
import { findRoute } from './middleware/find-route.js';
import { problems } from './middleware/problems.js';
import { limitAddress, limitStrangers, limitWallet } from './middleware/rate-limits.js';
import { readBody } from './middleware/read-body.js';
import { requestId } from './middleware/request-id.js';
import { securityHeaders } from './middleware/security-headers.js';
import { validate } from './middleware/validate.js';
import { createRouteTable } from './route-table.js';
import type { ApiState, RouteRule } from './route.js';
import { healthRoutes, type Health } from './routes/health.js';
import { jobRoutes } from './routes/jobs.js';
import { openapiRoute } from './routes/openapi.js';
import { providerRoutes } from './routes/providers.js';

export interface ApiDeps {
  config: Config;
  logger: Logger;
  pool: Pool;
  jobs: JobCommands;
  authenticate: Authenticate;
  limiter: Limiter;
  /** What the API depends on, each by name; asked by `GET /ready`. */
  health: Health;
  /** Routes of other parts, such as those of `/api/v1/auth`. */
  routes: readonly RouteRule[];
}

/** The API: every request goes down this list, and the answer or the failure comes back up. */
export function createApi(deps: ApiDeps): Koa {
  const { config, logger, authenticate, limiter } = deps;
  const described = [...healthRoutes(deps.health), ...providerRoutes(deps), ...jobRoutes(deps), ...deps.routes];
  const table = createRouteTable([...described, openapiRoute(described, config)]);

  // Exactly one hop is believed: with more, a client could write its own address into X-Forwarded-For.
  const app = new Koa({ proxy: config.TRUST_PROXY, maxIpsCount: 1 });
  app.use(requestId);
  app.use(accessLog(logger));
  app.use(problems(logger));
  app.use(securityHeaders());
  app.use(allowOrigins(config.ALLOWED_ORIGINS));
  app.use(limitAddress(limiter));
  app.use(findRoute(table));
  app.use(limitStrangers(limiter));
  app.use(readBody);
  app.use(authentication(authenticate));
  app.use(requireScopes);
  app.use(limitWallet(limiter));
  app.use(validate);
  app.use(async (ctx) => await (ctx.state as ApiState).rule!.handler(ctx));
  // What fails after the answer has begun is a client that went away; everything else became a problem above.
  app.on('error', (error: unknown) => logger.debug({ err: error }, 'a connection broke'));
  return app;
}
