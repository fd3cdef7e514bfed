import Koa from 'koa';
import type { ApiDeps } from './deps.js';
import { accessLog } from './middleware/access-log.js';
import { authentication, requireScopes } from './middleware/authenticate.js';
import { allowOrigins } from './middleware/cors.js';
import { answerInTime } from './middleware/deadline.js';
import { answerKnownReads } from './middleware/known-reads.js';
import { errorPages, problems } from './middleware/problems.js';
import { limitAddress, limitWallet, requireProvable } from './middleware/rate-limits.js';
import { readBody } from './middleware/read-body.js';
import { requireHeaders } from './middleware/require-headers.js';
import { requestId } from './middleware/request-id.js';
import { securityHeaders } from './middleware/security-headers.js';
import { servePages } from './middleware/static-pages.js';
import { validate } from './middleware/validate.js';
import { answerUnmatched, createRouter, requireDecodablePath } from './router.js';
import { withOpenapi } from './routes/openapi.js';

/** The API: each request passes down this list, and its response or error comes back up. */
export function createApi(deps: ApiDeps): Koa {
  const { config, logger, authenticate, limiter, routes } = deps;
  const router = createRouter(withOpenapi(routes, config), [
    requireProvable,
    readBody,
    answerInTime,
    authentication(authenticate),
    requireScopes,
    limitWallet(limiter),
    validate,
  ]);

  // Trusts exactly one hop: with more, a client could write its own address into X-Forwarded-For.
  const app = new Koa({ proxy: config.TRUST_PROXY, maxIpsCount: 1 });
  app.use(requestId);
  app.use(accessLog(logger));
  app.use(problems(logger, errorPages(config)));
  app.use(securityHeaders());
  app.use(allowOrigins(config.ALLOWED_ORIGINS));
  app.use(limitAddress(limiter));
  app.use(requireHeaders);
  if (deps.pages !== undefined) app.use(servePages(deps.pages));
  app.use(answerKnownReads());
  app.use(requireDecodablePath);
  app.use(router.routes());
  app.use(answerUnmatched);
  // An error after the response has begun means that the client went away; every other error became a problem above.
  app.on('error', (error: unknown) => logger.debug({ err: error }, 'a connection broke'));
  return app;
}
