import type { Middleware } from 'koa';
import type { Logger } from 'pino';
import type { ApiState } from '../route.js';

/**
 * Logs one line per request, with the route's pattern: ids in a path are data, and headers and bodies never get here.
 */
export function accessLog(logger: Logger): Middleware<ApiState> {
  // These are all the fields. Searching them for secrets took longer than answering the request.
  const lines = logger.child({}, { redact: [] });
  return async (ctx, next) => {
    if (!lines.isLevelEnabled('info')) {
      await next();
      return;
    }
    const begunMs = performance.now();
    await next();
    const { principal } = ctx.state;
    lines.info(
      {
        method: ctx.method,
        route: ctx.state.rule?.path ?? null,
        status: ctx.status,
        ms: Math.round((performance.now() - begunMs) * 100) / 100,
        wallet: principal?.wallet,
        session: principal === undefined || principal.kind === 'proof' ? undefined : principal.sessionId,
        request_id: ctx.state.requestId,
        request_bytes: ctx.state.bodyBytes?.length ?? 0,
      },
      'request',
    );
  };
}
