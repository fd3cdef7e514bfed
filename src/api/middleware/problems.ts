import type { Middleware } from 'koa';
import type { Logger } from 'pino';
import type { Config } from '../../config.js';
import { badDataState } from '../../db/pool.js';
import { uncheckedValues } from '../../observability/metrics.js';
import { isDefect, problemOf } from '../problem.js';
import type { ApiState } from '../route.js';
import { hasBody } from './read-body.js';

/** Where the documentation explains each code: this and the code. A proxy may serve it below a path of its own. */
export function errorPages(config: Pick<Config, 'AUTH_AUDIENCE' | 'AUTH_TARGET_PREFIX'>): string {
  return `${config.AUTH_AUDIENCE}${config.AUTH_TARGET_PREFIX}/docs/errors/`;
}

/** Turns every error thrown by later middleware into an RFC 9457 response. */
export function problems(logger: Logger, explainedAt: string): Middleware<ApiState> {
  return async (ctx, next) => {
    try {
      await next();
    } catch (error) {
      const problem = problemOf(error, ctx.state.requestId);
      const sqlState = badDataState(error);
      if (sqlState !== undefined) uncheckedValues.inc({ code: sqlState });
      if (isDefect(error)) {
        logger.error(
          { err: error, code: problem.code, route: ctx.state.rule?.path, request_id: problem.request_id },
          'a request failed',
        );
      }
      // The rest of a rejected body is not read: Node.js closes the connection after the response.
      if (!ctx.req.complete && hasBody(ctx.req)) ctx.set('connection', 'close');
      if (problem.status === 401) ctx.set('www-authenticate', `WorldLand-Session error="${problem.code}", Bearer`);
      if (problem.status === 503) ctx.set('retry-after', '2');
      const retryAfterS = problem['retry_after_s'];
      if (typeof retryAfterS === 'number') ctx.set('retry-after', String(retryAfterS));
      // Not the problem's `type`: that was published as a name, and clients may compare it.
      ctx.append('link', `<${explainedAt}${problem.code}>; rel="help"`);
      ctx.remove('etag');
      ctx.set('cache-control', 'no-store');
      ctx.status = problem.status;
      ctx.set('content-type', 'application/problem+json');
      ctx.body = Buffer.from(JSON.stringify(problem));
    }
  };
}
